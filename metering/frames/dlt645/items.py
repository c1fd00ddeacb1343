"""The data items that are known here, and how the value of one is read from an answer and written into one."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, tzinfo

from metering.frames import bcd
from metering.frames.bcd import CodecError
from metering.frames.dlt645 import numbers, times
from metering.frames.dlt645.answers import MeterRefusalError, read_error
from metering.frames.dlt645.frame import Frame
from metering.frames.dlt645.status import STATUS_WORD_3, StatusWord3

DATE = 0x04000101
TIME = 0x04000102
ADDRESS = 0x04000401
FROZEN_AT = 0x05060001
"""When the last daily freeze was; a higher last byte is an earlier day."""
_TIMES_OF_FREEZES = frozenset((0x050000, 0x050100, 0x050600))
_LENGTHS = {STATUS_WORD_3: 2, DATE: 4, TIME: 3, ADDRESS: 6}


def _read_status(data: bytes) -> StatusWord3:
    return StatusWord3(int.from_bytes(data, "little"))


_READERS: Mapping[int, Callable[[bytes], StatusWord3 | date | time | str]] = {
    STATUS_WORD_3: _read_status,
    DATE: times.decode_date,
    TIME: times.decode_time,
    ADDRESS: bcd.decode_text,
}
Value = tuple[int | None, ...] | StatusWord3 | date | time | datetime | str | None


def read_id(data: bytes) -> int:
    """Return the data id with which the data of a request or an answer begins."""
    if len(data) < 4:
        raise CodecError(f"{len(data)} bytes hold no data id")
    return int.from_bytes(data[:4], "little")


def read_value(answer: Frame, zone: tzinfo) -> Value:
    """Return the value of the item that `answer` brings: see `decode`.

    Raises:
        MeterRefusalError: the meter refuses.
        CodecError: the answer is a part of a longer one, or its data is not that of its item.
    """
    if answer.is_error:
        raise MeterRefusalError(read_error(answer))
    if answer.has_more:
        raise CodecError("this is the first part of a longer answer")
    return decode(read_id(answer.data), answer.data[4:], zone)


def decode(item: int, data: bytes, zone: tzinfo) -> Value:
    """Return the value in the data of `item`, without its id.

    Numbers come as a tuple, in units of the item's last digit; a clock's time is in `zone`; `None`: there is no value.

    Raises:
        CodecError: the item is not known, or `data` is not that of this item.
    """
    if numbers.find_format(item):
        return numbers.decode(item, data)
    length = _LENGTHS.get(item, 5 if is_time_of_freeze(item) else None)
    if length is None:
        raise CodecError(f"there is no item {item:08X} here")
    if data.count(0xFF) == len(_sized(item, data, length)):
        return None
    return _READERS[item](data) if item in _READERS else times.decode_minute(data, zone)


def is_time_of_freeze(item: int) -> bool:
    """Return whether `item` says when a freeze was."""
    return item >> 8 in _TIMES_OF_FREEZES and 1 <= item & 0xFF <= 0xFE


def encode(item: int, value: Value, zone: tzinfo) -> bytes:
    """Return the data of `item`, without its id, as a meter would answer it.

    Raises:
        CodecError: `value` is not of the item's kind.
    """
    match value:
        case tuple():
            return numbers.encode(item, value)
        case StatusWord3() if item == STATUS_WORD_3:
            return value.word.to_bytes(2, "little")
        case datetime() if is_time_of_freeze(item):
            return times.encode_minute(value, zone)
        case date() if item == DATE:
            return times.encode_date(value)
        case time() if item == TIME:
            return times.encode_time(value)
        case str() if item == ADDRESS:
            return _sized(item, bcd.encode_text(value), 6)
        case _:
            raise CodecError(f"{value!r} is no value of the item {item:08X}")


def describe(item: int, value: Value) -> tuple[str, ...]:
    """Return `value` of `item` in words, a line each."""
    match value:
        case tuple():
            return tuple(str(quantity) for quantity in numbers.describe(item, value))
        case StatusWord3():
            return (f"status word 3: {value.word:04X}", *value.words)
        case None:
            return ("no value",)
        case _:
            return (str(value),)


def _sized(item: int, data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise CodecError(f"{len(data)} bytes cannot be the item {item:08X}")
    return data
