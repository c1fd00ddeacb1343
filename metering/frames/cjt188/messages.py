"""What is asked of these meters, which frame answers it, and what an answer says.

The data begin with the data id and a serial number, which the answer repeats. A reading's step is a hundredth of its
unit, mostly 10 litres: enough for a flat's total, too coarse to bill a shower.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from metering.frames import bcd
from metering.frames.bcd import CodecError
from metering.frames.cjt188.frame import ANYBODY, Frame, Function
from metering.frames.cjt188.models import MeterModel, Status

READING = 0x901F
ADDRESS = 0x810A
VALVE = 0xA017

ML_PER_DIGIT: Mapping[int, int] = {
    0x29: 10,  # 0.01 L
    0x2A: 100,  # 0.01 of 10 L
    0x2B: 1_000,
    0x2C: 10_000,  # 0.01 m³
    0x2D: 100_000,
    0x2E: 1_000_000,
}
"""Millilitres of a counter's last digit, by the code of its unit."""
_READING_LENGTH = 22


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter: `digits` in hundredths of the unit with that code, `None` where the meter has no value."""

    digits: int | None
    unit: int

    @property
    def volume_ml(self) -> int | None:
        """Its volume; `None` where there is none, or where the unit is no volume."""
        per_digit = ML_PER_DIGIT.get(self.unit)
        return None if per_digit is None or self.digits is None else self.digits * per_digit


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter answers to 901F. `clock` is `None` where it shows no time, and is never the time of the reading."""

    total: Counter
    at_settlement: Counter
    clock: datetime | None
    status: Status


def read(model: MeterModel, meter_type: int, address: str, serial: int) -> Frame:
    """Ask for the counters; `serial` 0 to 255, another one each time, so that a late answer does not count."""
    return Frame(meter_type, address, Function.READ, _begin(READING, serial, model))


def read_address(model: MeterModel, meter_type: int, serial: int) -> Frame:
    """Ask for its address the one meter that is connected."""
    return Frame(meter_type, ANYBODY, Function.READ_ADDRESS, _begin(ADDRESS, serial, model))


def set_valve(model: MeterModel, meter_type: int, address: str, *, is_open: bool, serial: int) -> Frame:
    """Open or close the valve."""
    code = model.open_code if is_open else model.close_code
    return Frame(meter_type, address, Function.WRITE, _begin(VALVE, serial, model) + bytes((code,)))


def accepts(request: Frame, answer: Frame, model: MeterModel) -> bool:
    """Return whether `answer` answers `request`: its type, address, control code, data id and serial number fit."""
    is_for_valve = request.control == Function.WRITE and read_id(request.data) == VALVE
    expected = {model.valve_answer} if is_for_valve else {request.control | 0x80}
    if answer.control not in expected | {request.control | 0xC0} or answer.meter_type != request.meter_type:
        return False
    if not answer.address.isdecimal() or request.address not in (answer.address, ANYBODY):
        return False
    if answer.is_error and len(answer.data) < 3:
        return True
    return len(answer.data) >= 3 and answer.data[2] == request.data[2] and read_id(answer.data) == read_id(request.data)


def read_id(data: bytes) -> int:
    """Return the data id with which `data` begins, whichever of its bytes goes first.

    The known ids begin with 8, 9, A or D and do not end with a byte like that, so the order shows.
    """
    if len(data) < 2:
        raise CodecError(f"{len(data)} bytes hold no data id")
    first, second = data[0], data[1]
    return first << 8 | second if first >= 0x80 and (second < 0x80 or first >= second) else second << 8 | first


def read_reading(answer: Frame, model: MeterModel, zone: tzinfo) -> Reading:
    """Return the counters, clock (in `zone`) and status of an answer to `read`.

    Raises:
        CodecError: the meter refuses, or these are no counters.
    """
    data = answer.data
    if answer.is_error:
        raise CodecError("the meter refuses")
    if len(data) != _READING_LENGTH or read_id(data) != READING:
        raise CodecError(f"{len(data)} bytes of data are no reading")
    return Reading(
        total=_read_counter(data[3:8]),
        at_settlement=_read_counter(data[8:13]),
        clock=_read_clock(data[13:20], zone),
        status=model.read_status(int.from_bytes(data[20:22], "little")),
    )


def read_valve(answer: Frame, model: MeterModel) -> Status | None:
    """Return the status in an answer to `set_valve`, `None` where it brings none.

    That a meter answers is no proof that its valve has moved: read it.

    Raises:
        CodecError: the meter refuses.
    """
    if answer.is_error:
        raise CodecError("the meter refuses")
    return model.read_status(int.from_bytes(answer.data[3:5], "little")) if len(answer.data) == 5 else None


def _begin(item: int, serial: int, model: MeterModel) -> bytes:
    return item.to_bytes(2, "big" if model.is_id_high_first else "little") + bytes((serial,))


def _read_counter(data: bytes) -> Counter:
    return Counter(bcd.decode(data[:4]), data[4])


def _read_clock(data: bytes, zone: tzinfo) -> datetime | None:
    digits = data[::-1].hex()
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return None
