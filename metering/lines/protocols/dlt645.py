"""Electricity meters that speak DL/T 645-2007."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from metering.frames import bcd
from metering.frames.bcd import CodecError
from metering.frames.dlt645 import items, numbers, orders, requests
from metering.frames.dlt645.answers import MeterRefusalError, accepts, read_acknowledgement, read_error
from metering.frames.dlt645.frame import Decoder, Frame, encode
from metering.frames.dlt645.models import MODELS, MeterModel
from metering.frames.dlt645.orders import Command, Credentials
from metering.frames.dlt645.status import STATUS_WORD_3, StatusWord3
from metering.lines.exchange import MeterRefusedError, Request, UnreadableError
from metering.lines.protocol import MeterError, Registers, Status
from metering.reader_contract import MeterPlan
from metering.vocabulary import MeterAction, SupplyState

Value = TypeVar("Value")

_FRAME_BYTES: Final = 16
"""Four FE, and a frame without data."""
_ENERGY_BYTES, _CLOCK_BYTES, _STATUS_BYTES, _FREEZE_BYTES, _POWER_BYTES = 8, 7, 6, 24, 7
_COMMANDS: Final = {
    MeterAction.TRIP: Command.TRIP,
    MeterAction.ARM: Command.ALLOW_CLOSE,
    MeterAction.CLOSE: Command.CLOSE,
    MeterAction.KEEP_ON: Command.KEEP_ON,
    MeterAction.KEEP_OFF: Command.KEEP_OFF,
}
_FOLLOWED: Final[Mapping[MeterAction, Callable[[StatusWord3], bool]]] = {
    # Open and armed: not told yet, and the button would close it.
    MeterAction.TRIP: lambda word: word.is_relay_open and word.is_told_to_open,
    # Closed already: the resident was quick.
    MeterAction.ARM: lambda word: word.is_armed or not word.is_relay_open,
    MeterAction.CLOSE: lambda word: not word.is_relay_open,
    MeterAction.KEEP_ON: lambda word: word.is_power_kept_on,
    MeterAction.KEEP_OFF: lambda word: not word.is_power_kept_on,
}
_MOST_TARIFFS: Final = 4
_STEP: Final = "0.01 kWh"


class Dlt645:
    """DL/T 645-2007 in campus time; orders carry `credentials`."""

    def __init__(self, zone: ZoneInfo, credentials: Credentials) -> None:
        self._zone, self._credentials = zone, credentials
        # Asked in every cycle, and the same each time.
        self._energies: dict[tuple[str, str], Request[Registers]] = {}

    def make_decoder(self) -> Decoder:
        """Return what finds frames."""
        return Decoder()

    def read_registers(self, meter: MeterPlan) -> Request[Registers]:
        """Ask for the register that is billed."""
        key = (meter.address, meter.model)
        known = self._energies.get(key)
        if known is None:
            model = _model(meter)
            frame = requests.read(meter.address, model.energy)
            read = _read_forward_energy if model.energy == numbers.FORWARD_ENERGY else self._read_registers
            known = self._energies[key] = self._request(model, frame, _ENERGY_BYTES, read)
        return known

    def read_status(self, meter: MeterPlan) -> Request[Status] | None:
        """Ask for status word 3."""
        return self._read(meter, STATUS_WORD_3, _STATUS_BYTES, _status)

    def read_frozen_at(self, meter: MeterPlan, back: int) -> Request[datetime] | None:
        """Ask when the daily freeze was."""
        if not _model(meter).has_daily_freeze:
            return None
        return self._read(meter, items.FROZEN_AT + back - 1, _CLOCK_BYTES + 2, _naive)

    def read_frozen(self, meter: MeterPlan, back: int) -> Request[Registers] | None:
        """Ask for the frozen registers."""
        if not _model(meter).has_daily_freeze:
            return None
        return self._read(meter, numbers.FROZEN_FORWARD_ENERGY + back - 1, _FREEZE_BYTES, _registers)

    def order(self, meter: MeterPlan, action: MeterAction, expires_at: datetime) -> Request[bool] | None:
        """Order the relay (1CH)."""
        command = _COMMANDS.get(action)
        if command is None or not meter.has_relay:
            return None
        model = _model(meter)
        frame = _checked(
            lambda: orders.order(
                model,
                meter.address,
                command,
                credentials=self._credentials,
                valid_until=expires_at,
                zone=self._zone,
            )
        )
        return self._request(model, frame, 2, _acknowledged)

    def has_followed(self, action: MeterAction, status: Status) -> bool:
        """Return whether bit 4, or what else the action is about, is as ordered."""
        if status.word is None:
            return False
        is_as_ordered = _FOLLOWED.get(action)
        return is_as_ordered is not None and is_as_ordered(StatusWord3(status.word))

    def set_clocks(self, meter: MeterPlan, now: datetime) -> Request[None] | None:
        """Broadcast the time."""
        frame = requests.set_clock(now, self._zone)
        return Request(encode(frame, preamble=_model(meter).preamble), 0, lambda _frame: None)

    def read_power(self, meter: MeterPlan) -> Request[int] | None:
        """Ask for the active power of all phases."""
        return self._read(meter, numbers.ACTIVE_POWER, _POWER_BYTES, _watts)

    def read_clock(self, meter: MeterPlan, now: datetime) -> Request[datetime] | None:
        """Ask for the time of day; the day is the one that brings it next to `now`."""

        def read(value: items.Value) -> datetime:
            if not isinstance(value, time):
                raise UnreadableError("no time")
            shown = datetime.combine(now.astimezone(self._zone).date(), value, self._zone).astimezone(UTC)
            return min((shown + timedelta(days=days) for days in (-1, 0, 1)), key=lambda one: abs(one - now))

        return self._read(meter, items.TIME, _CLOCK_BYTES, read)

    def _read_registers(self, answer: Frame) -> Registers:
        return _registers(items.read_value(answer, self._zone))

    def _read(
        self, meter: MeterPlan, item: int, answer_bytes: int, convert: Callable[[items.Value], Value]
    ) -> Request[Value]:
        model, zone = _model(meter), self._zone
        return self._request(
            model,
            requests.read(meter.address, item),
            answer_bytes,
            lambda frame: convert(items.read_value(frame, zone)),
        )

    @staticmethod
    def _request(model: MeterModel, frame: Frame, answer_bytes: int, read: Callable[[Frame], Value]) -> Request[Value]:
        def read_answer(answer: Frame) -> Value | None:
            if not accepts(frame, answer):
                return None
            try:
                return read(answer)
            except MeterRefusalError as error:
                raise MeterRefusedError("; ".join(error.words) or "no reason given") from error
            except CodecError as error:
                raise UnreadableError(str(error)) from error

        return Request(
            _checked(lambda: encode(frame, preamble=model.preamble)), _FRAME_BYTES + answer_bytes, read_answer
        )


def _model(meter: MeterPlan) -> MeterModel:
    model = MODELS.get(meter.model)
    if model is None:
        raise MeterError(f"DL/T 645 has no model {meter.model!r}; there are {', '.join(MODELS)}")
    return model


def _checked(make: Callable[[], Value]) -> Value:
    try:
        return make()
    except CodecError as error:
        raise MeterError(str(error)) from error


def _read_forward_energy(answer: Frame) -> Registers:
    """Return what `items.read_value` would, in a third of the time: nothing else is read so often."""
    if answer.is_error:
        raise MeterRefusalError(read_error(answer))
    if len(answer.data) != _ENERGY_BYTES or answer.has_more:
        raise CodecError(f"{len(answer.data)} bytes of data are no energy")
    digits = bcd.decode(answer.data[4:])
    if digits is None:
        raise UnreadableError("no value")
    return Registers(digits, (), _STEP)


def _registers(value: items.Value) -> Registers:
    if not isinstance(value, tuple) or value[0] is None or value[0] < 0:
        raise UnreadableError("no value")
    tariffs = value[1 : 1 + _MOST_TARIFFS]
    known = tuple(one for one in tariffs if one is not None and one >= 0)
    return Registers(value[0], known if len(known) == len(tariffs) else (), _STEP)


def _status(value: items.Value) -> Status:
    if not isinstance(value, StatusWord3):
        raise UnreadableError("no value")
    supply = SupplyState.ON if not value.is_relay_open else SupplyState.ARMED if value.is_armed else SupplyState.OFF
    return Status(supply, value.word)


def _watts(value: items.Value) -> int:
    if not isinstance(value, tuple) or value[0] is None:
        raise UnreadableError("no value")
    # ten-thousandths of kW; negative where the wires are swapped, which heats as well
    return abs(value[0]) // 10


def _naive(value: items.Value) -> datetime:
    if not isinstance(value, datetime):
        raise UnreadableError("no value")
    return value.replace(tzinfo=None)


def _acknowledged(answer: Frame) -> bool:
    said = read_acknowledgement(answer)
    if not said.is_accepted:
        raise MeterRefusedError("; ".join(said.words) or "no reason given")
    return True
