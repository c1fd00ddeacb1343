"""Water and gas meters that speak CJ/T 188, some with a valve."""

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from metering.frames.bcd import CodecError
from metering.frames.cjt188 import messages
from metering.frames.cjt188.frame import ANYBODY, Decoder, Frame, MeterType, encode
from metering.frames.cjt188.models import MODELS, MeterModel, Valve
from metering.lines.exchange import MeterRefusedError, Request, UnreadableError
from metering.lines.protocol import MeterError, Registers, Status
from metering.reader_contract import MeterPlan
from metering.vocabulary import MeterAction, SupplyState

Value = TypeVar("Value")

_FRAME_BYTES: Final = 17
"""Four FE, and a frame without data."""
_READING_BYTES, _VALVE_BYTES = 22, 5
_SUPPLIES: Final = {Valve.OPEN: SupplyState.ON, Valve.CLOSED: SupplyState.OFF, Valve.FAULTY: SupplyState.UNKNOWN}
_OPENS: Final = {MeterAction.TRIP: False, MeterAction.CLOSE: True}
"""What an order means for a valve; no resident can be let open one, and none has a time after which it is void."""


class Cjt188:
    """CJ/T 188. An address has 14 digits, or 16 where the first two are the meter's type and not 10, cold water."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._serials = itertools.cycle(range(256))
        self._units: dict[str, int] = {}

    def make_decoder(self) -> Decoder:
        """Return what finds frames."""
        return Decoder()

    def read_registers(self, meter: MeterPlan) -> Request[Registers]:
        """Ask for the counter (901F), in hundredths of the unit that the meter shows."""
        return self._read(meter, lambda reading: self._registers(meter.address, reading.total))

    def read_status(self, meter: MeterPlan) -> Request[Status] | None:
        """Ask for the valve, which stands in the same answer."""
        return self._read(meter, lambda reading: Status(_SUPPLIES[reading.status.valve], reading.status.word))

    def read_frozen_at(self, meter: MeterPlan, back: int) -> Request[datetime] | None:
        """No daily freeze is asked for."""
        del meter, back
        return None

    def read_frozen(self, meter: MeterPlan, back: int) -> Request[Registers] | None:
        """No daily freeze is asked for."""
        del meter, back
        return None

    def order(self, meter: MeterPlan, action: MeterAction, expires_at: datetime) -> Request[bool] | None:
        """Open or close the valve; the meter cannot be told `expires_at`."""
        del expires_at
        opens = _OPENS.get(action)
        if opens is None or not meter.has_relay:
            return None
        model, meter_type, address = _found(meter)
        frame = messages.set_valve(model, meter_type, address, is_open=opens, serial=next(self._serials))

        def acknowledged(answer: Frame) -> bool:
            messages.read_valve(answer, model)
            return True

        return _request(model, frame, _VALVE_BYTES, acknowledged)

    def has_followed(self, action: MeterAction, status: Status) -> bool:
        """Return whether the valve is as ordered."""
        opens = _OPENS.get(action)
        return opens is not None and status.supply is (SupplyState.ON if opens else SupplyState.OFF)

    def set_clocks(self, meter: MeterPlan, now: datetime) -> Request[None] | None:
        """No clock is set."""
        del meter, now
        return None

    def read_power(self, meter: MeterPlan) -> Request[int] | None:
        """No power is asked for."""
        del meter
        return None

    def read_clock(self, meter: MeterPlan, now: datetime) -> Request[datetime] | None:
        """No clock is read: many show only zeros."""
        del meter, now
        return None

    def _read(self, meter: MeterPlan, convert: Callable[[messages.Reading], Value]) -> Request[Value]:
        model, meter_type, address = _found(meter)
        frame = messages.read(model, meter_type, address, next(self._serials))
        return _request(
            model, frame, _READING_BYTES, lambda answer: convert(messages.read_reading(answer, model, self._zone))
        )

    def _registers(self, address: str, total: messages.Counter) -> Registers:
        """Return the digits; a meter that shows another unit than before would be misread by a power of ten."""
        if total.digits is None or total.volume_ml is None:
            raise UnreadableError("no volume")
        if self._units.setdefault(address, total.unit) != total.unit:
            raise UnreadableError(f"the unit is {total.unit:02X} and was {self._units[address]:02X}")
        return Registers(total.digits, step=f"{messages.ML_PER_DIGIT[total.unit]} ml")


def _found(meter: MeterPlan) -> tuple[MeterModel, int, str]:
    model = MODELS.get(meter.model)
    if model is None:
        raise MeterError(f"CJ/T 188 has no model {meter.model!r}; there are {', '.join(MODELS)}")
    digits = meter.address
    is_number = digits.isascii() and digits.isdecimal()
    if digits[-14:] == ANYBODY:
        is_number = digits[:-14].isdecimal() or len(digits) == 14
    if not is_number or len(digits) not in {14, 16}:
        raise MeterError(f"a CJ/T 188 meter's address has 14 digits, or 16 with its type, not {digits!r}")
    return model, int(digits[:-14], 16) if len(digits) > 14 else MeterType.COLD_WATER, digits[-14:]


def _request(model: MeterModel, frame: Frame, answer_bytes: int, read: Callable[[Frame], Value]) -> Request[Value]:
    def read_answer(answer: Frame) -> Value | None:
        if not messages.accepts(frame, answer, model):
            return None
        if answer.is_error:
            raise MeterRefusedError("no reason given")
        try:
            return read(answer)
        except CodecError as error:
            raise UnreadableError(str(error)) from error

    return Request(encode(frame, preamble=model.preamble), _FRAME_BYTES + answer_bytes, read_answer)
