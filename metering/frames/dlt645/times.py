"""Times in frames: decimal digits of the meter's own clock, which keeps the campus's time, in the years from 2000."""

from datetime import date, datetime, time, tzinfo

from metering.frames.bcd import CodecError

AT_ONCE = b"\x99\x99\x99\x99"
NEVER = bytes(6)
"""An expiry of all zeros."""


def encode_second(at: datetime, zone: tzinfo) -> bytes:
    """Return ss mm hh DD MM YY of the aware time `at`.

    Raises:
        CodecError: it has no zone, or its year is not of 2000 to 2099.
    """
    local = _local(at, zone)
    return _pairs(local.second, local.minute, local.hour, local.day, local.month, local.year - 2000)


def decode_second(data: bytes, zone: tzinfo) -> datetime:
    """Return the time of ss mm hh DD MM YY.

    Raises:
        CodecError: there is no such time.
    """
    return _moment(_numbers(data, 6), zone)


def encode_minute(at: datetime, zone: tzinfo) -> bytes:
    """Return mm hh DD MM YY of the aware time `at`.

    Raises:
        CodecError: it has no zone, or its year is not of 2000 to 2099.
    """
    return encode_second(at, zone)[1:]


def decode_minute(data: bytes, zone: tzinfo) -> datetime:
    """Return the time of mm hh DD MM YY.

    Raises:
        CodecError: there is no such time.
    """
    return _moment([0, *_numbers(data, 5)], zone)


def encode_date(day: date) -> bytes:
    """Return WW DD MM YY, where the week begins with Sunday as 0."""
    if not 2000 <= day.year <= 2099:
        raise CodecError(f"a meter's clock has no year {day.year}")
    return _pairs(day.isoweekday() % 7, day.day, day.month, day.year - 2000)


def decode_date(data: bytes) -> date:
    """Return the day of WW DD MM YY; the day of the week is not looked at, for makers count it differently.

    Raises:
        CodecError: there is no such day.
    """
    _, day, month, year = _numbers(data, 4)
    try:
        return date(2000 + year, month, day)
    except ValueError as error:
        raise CodecError(f"a meter's clock shows a day that does not exist: {error}") from None


def encode_time(at: time) -> bytes:
    """Return ss mm hh."""
    return _pairs(at.second, at.minute, at.hour)


def decode_time(data: bytes) -> time:
    """Return the time of day of ss mm hh.

    Raises:
        CodecError: there is no such time.
    """
    second, minute, hour = _numbers(data, 3)
    try:
        return time(hour, minute, second)
    except ValueError as error:
        raise CodecError(f"a meter's clock shows a time that does not exist: {error}") from None


def _local(at: datetime, zone: tzinfo) -> datetime:
    if at.tzinfo is None:
        raise CodecError(f"{at} has no zone")
    local = at.astimezone(zone)
    if not 2000 <= local.year <= 2099:
        raise CodecError(f"a meter's clock has no year {local.year}")
    return local


def _moment(pairs: list[int], zone: tzinfo) -> datetime:
    second, minute, hour, day, month, year = pairs
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError as error:
        raise CodecError(f"a meter's clock shows a time that does not exist: {error}") from None


def _pairs(*numbers: int) -> bytes:
    return bytes(number // 10 << 4 | number % 10 for number in numbers)


def _numbers(data: bytes, count: int) -> list[int]:
    digits = data.hex()
    if len(data) != count or not digits.isdecimal():
        raise CodecError(f"{data.hex(' ').upper()} are not {count} pairs of digits of a clock")
    return [int(digits[place : place + 2]) for place in range(0, 2 * count, 2)]
