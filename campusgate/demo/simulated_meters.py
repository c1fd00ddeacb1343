"""Electricity meters that do not exist: DL/T 645-2007 with a relay and its button, and what goes wrong on real lines.

Nothing here waits: a line is given bytes and the time, and says which bytes come back and when.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import Enum, auto
from typing import Final

from metering.frames.bcd import CodecError
from metering.frames.dlt645 import items, numbers, requests
from metering.frames.dlt645.frame import EVERYBODY, Decoder, Frame, Function, encode
from metering.frames.dlt645.models import MODELS, MeterModel
from metering.frames.dlt645.orders import Command, EncryptedOrder, PlainOrder, read_order
from metering.frames.dlt645.status import STATUS_WORD_3, StatusWord3
from metering.frames.dlt645.times import decode_second

BITS_PER_BYTE: Final = 11
VOLTAGE: Final = 0x02010100
_ANSWER: Final = 0x80
_REFUSAL: Final = 0xC0
_NO_SUCH_DATA, _NOT_ALLOWED = b"\x02", b"\x04"
_EXPIRED, _KEPT_ON = b"\x10\x00", b"\x20\x00"
_NOISE: Final = bytes.fromhex("0068160068")
_FOREIGN: Final = "000000000001"


class Fault(Enum):
    """What a meter, or the line to it, does instead of answering as it should."""

    SILENT = auto()
    LATE = auto()
    """Right, and after the time-out."""
    FOREIGN = auto()
    """With another meter's address."""
    OTHER_ITEM = auto()
    """With another data item than was asked for."""
    ECHO = auto()
    """The line repeats the request before the answer."""
    NOISE = auto()
    """With bytes before it that look like the beginning of a frame."""
    GARBLED = auto()
    """With a bit that changed on the way."""
    IN_PIECES = auto()
    """Right, a byte at a time."""
    REFUSING = auto()
    """That it has no such data."""
    NO_VALUE = auto()
    """FF in place of each digit."""
    STUCK = auto()
    """As it should, and the relay does not move."""


@dataclass(slots=True)
class SimulatedMeter:
    """One meter. `digits` are hundredths of kWh. `clock_off` is how far its clock is ahead of the time."""

    address: str
    digits: int = 0
    model: MeterModel = MODELS["dlt645-2007"]
    password: str = "000000"  # noqa: S105 - as meters leave the factory
    is_open: bool = False
    is_told_to_open: bool = False
    is_kept_on: bool = False
    fault: Fault | None = None
    clock_off: timedelta = timedelta(0)
    power_w: int = 0
    moves_after_s: float = 0.0
    freezes: list[tuple[datetime, tuple[int, ...]]] = field(default_factory=list)
    """When the daily freezes were, aware, and the registers then; the latest first."""
    orders: list[PlainOrder] = field(default_factory=list)
    """Those it obeyed."""
    asked: list[int] = field(default_factory=list)
    """The items it was asked for."""
    _moves_at_s: float | None = None
    _opens: bool = False

    def press_button(self) -> bool:
        """Press the button; return whether the supply came on."""
        if self.is_open and not self.is_told_to_open:
            self.is_open = False
            return True
        return False

    def status_word(self, now_s: float) -> StatusWord3:
        """Return status word 3, after its relay has moved if it was to."""
        if self._moves_at_s is not None and now_s >= self._moves_at_s:
            self._moves_at_s = None
            if self.fault is not Fault.STUCK:
                self.is_open = self._opens
        bits = (0x10 * self.is_open) | (0x40 * self.is_told_to_open) | (0x1000 * self.is_kept_on)
        return StatusWord3(bits)

    def answer(self, request: Frame, now: datetime, now_s: float, zone: tzinfo) -> Frame | None:
        """Return what it answers, None for nothing."""
        if request.function == Function.READ:
            return self._read(request, now, now_s, zone)
        if request.function == Function.READ_ADDRESS:
            return Frame(self.address, _ANSWER | request.control, bytes.fromhex(self.address)[::-1])
        if request.function == Function.ORDER:
            return self._obey(request, now, now_s, zone)
        return Frame(self.address, _REFUSAL | request.control, _NO_SUCH_DATA)

    def set_clock(self, shown: datetime, now: datetime) -> None:
        """Follow a broadcast of the time, as meters do: within five minutes only."""
        if abs(shown - (now + self.clock_off)) <= timedelta(minutes=5):
            self.clock_off = shown - now

    def _read(self, request: Frame, now: datetime, now_s: float, zone: tzinfo) -> Frame:
        item = items.read_id(request.data)
        self.asked.append(item)
        if self.fault is Fault.OTHER_ITEM:
            item = VOLTAGE
        value = None if self.fault is Fault.REFUSING else self._value(item, now, now_s, zone)
        if value is None:
            return Frame(self.address, _REFUSAL | request.control, _NO_SUCH_DATA)
        data = items.encode(item, value, zone)
        if self.fault is Fault.NO_VALUE:
            data = b"\xff" * len(data)
        return Frame(self.address, _ANSWER | request.control, requests.encode_id(item) + data)

    def _value(self, item: int, now: datetime, now_s: float, zone: tzinfo) -> items.Value:
        shown = (now + self.clock_off).astimezone(zone)
        values: dict[int, items.Value] = {
            numbers.FORWARD_ENERGY: (self.digits,),
            numbers.COMBINED_ENERGY: (self.digits,),
            VOLTAGE: (2301,),
            numbers.ACTIVE_POWER: (self.power_w * 10,),
            STATUS_WORD_3: self.status_word(now_s),
            items.TIME: shown.time().replace(microsecond=0),
            items.DATE: shown.date(),
        }
        for place, (at, registers) in enumerate(self.freezes):
            values |= {items.FROZEN_AT + place: at, numbers.FROZEN_FORWARD_ENERGY + place: registers}
        return values.get(item)

    def _obey(self, request: Frame, now: datetime, now_s: float, zone: tzinfo) -> Frame:
        refusal = self._refusal(request, now, zone)
        if isinstance(refusal, bytes):
            return Frame(self.address, _REFUSAL | request.control, refusal)
        self.orders.append(refusal)
        match refusal.command:
            case Command.TRIP:
                self.is_told_to_open = True
                self._move(opens=True, now_s=now_s)
            case Command.ALLOW_CLOSE:
                self.is_told_to_open = False
            case Command.CLOSE:
                self.is_told_to_open = False
                self._move(opens=False, now_s=now_s)
            case Command.KEEP_ON:
                self.is_kept_on, self.is_told_to_open = True, False
                self._move(opens=False, now_s=now_s)
            case Command.KEEP_OFF:
                self.is_kept_on = False
            case _:
                pass
        return Frame(self.address, _ANSWER | request.control)

    def _refusal(self, request: Frame, now: datetime, zone: tzinfo) -> PlainOrder | bytes:
        """Return the order, or with what it is refused."""
        try:
            order = read_order(request, self.model, zone)
        except CodecError:
            return _NO_SUCH_DATA
        if isinstance(order, EncryptedOrder) or order.credentials.password != self.password:
            return _NOT_ALLOWED
        if order.valid_until is not None and now + self.clock_off > order.valid_until:
            return _EXPIRED
        return _KEPT_ON if self.is_kept_on and order.command is Command.TRIP else order

    def _move(self, *, opens: bool, now_s: float) -> None:
        self._opens, self._moves_at_s = opens, now_s + self.moves_after_s


Delivery = tuple[float, bytes]
"""When bytes come out of the gateway, in the seconds of whoever gave the time, and which."""


class SimulatedLine:
    """Meters on one RS-485 line behind a gateway; with `bits_per_s` 0 bytes take no time."""

    def __init__(
        self,
        meters: Iterable[SimulatedMeter],
        *,
        zone: tzinfo,
        now: Callable[[], datetime],
        bits_per_s: int = 0,
        answers_after_s: float = 0.0,
        late_s: float = 2.0,
        lag_s: float = 0.0,
    ) -> None:
        """`late_s`: how late a `LATE` meter answers. `lag_s`: how much later each answer comes than the one before."""
        self.meters = {meter.address: meter for meter in meters}
        self.is_dead = False
        """The gateway takes everything and no meter hears it."""
        self.received = 0
        """Requests that came."""
        self._zone, self._now = zone, now
        self._byte_s = BITS_PER_BYTE / bits_per_s if bits_per_s else 0.0
        self._answers_after_s, self._late_s, self._lag_s = answers_after_s, late_s, lag_s
        self._behind_s = 0.0
        self._free_at_s = 0.0
        self._decoder = Decoder()

    def receive(self, data: bytes, now_s: float) -> list[Delivery]:
        """Return what comes back of `data`, which arrives at the second `now_s` of any clock that only counts."""
        found: list[Delivery] = []
        for request in self._decoder.feed(data):
            if request.is_answer:
                continue
            self._decoder.clear()
            self.received += 1
            if self.is_dead:
                continue
            # One request after the other goes out on the line.
            asked_s = max(now_s, self._free_at_s) + len(data) * self._byte_s
            if request.address == EVERYBODY:
                self._tell_all(request)
                self._free_at_s = asked_s
                continue
            found += self._ask(request, data, asked_s)
        return found

    def _ask(self, request: Frame, sent: bytes, asked_s: float) -> list[Delivery]:
        meter = self.meters.get(request.address)
        self._free_at_s = asked_s
        if meter is None or meter.fault is Fault.SILENT:
            return []
        answer = meter.answer(request, self._now(), asked_s, self._zone)
        if answer is None:
            return []
        late_s = self._late_s if meter.fault is Fault.LATE else 0.0
        at_s = asked_s + self._answers_after_s + late_s
        if meter.fault is Fault.FOREIGN:
            answer = Frame(_FOREIGN, answer.control, answer.data)
        raw = encode(answer, preamble=4)
        deliveries = self._spoil(raw, sent, at_s, meter.fault)
        self._free_at_s = deliveries[-1][0] - late_s
        self._behind_s += self._lag_s
        return [(at + self._behind_s, data) for at, data in deliveries]

    def _spoil(self, raw: bytes, sent: bytes, at_s: float, fault: Fault | None) -> list[Delivery]:
        if fault is Fault.ECHO:
            raw = sent + raw
        elif fault is Fault.NOISE:
            raw = _NOISE + raw
        elif fault is Fault.GARBLED:
            raw = raw[:-3] + bytes((raw[-3] ^ 0x04,)) + raw[-2:]
        elif fault is Fault.IN_PIECES:
            return [(at_s + place * self._byte_s, raw[place : place + 1]) for place in range(len(raw))]
        return [(at_s + len(raw) * self._byte_s, raw)]

    def _tell_all(self, request: Frame) -> None:
        if request.function != Function.BROADCAST_TIME:
            return
        shown = decode_second(request.data, self._zone)
        for meter in self.meters.values():
            meter.set_clock(shown, self._now())
