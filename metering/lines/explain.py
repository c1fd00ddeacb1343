"""One frame in words, for whoever looks at a line: DL/T 645-2007 or CJ/T 188."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from metering.frames.bcd import CodecError
from metering.frames.cjt188 import frame as water
from metering.frames.cjt188 import messages
from metering.frames.cjt188.models import MODELS as WATER_MODELS
from metering.frames.dlt645 import answers, items, numbers, orders, times
from metering.frames.dlt645 import frame as electricity
from metering.frames.dlt645.models import MODELS as ELECTRICITY_MODELS
from metering.frames.dlt645.status import STATUS_WORD_3
from metering.reader_contract import Protocol

_WATER_MODEL: Final = WATER_MODELS["cjt188"]
_ELECTRICITY_MODEL: Final = ELECTRICITY_MODELS["dlt645-2007"]
_ELECTRICITY_FUNCTIONS: Final = {
    electricity.Function.BROADCAST_TIME: "set the clocks",
    electricity.Function.READ: "read",
    electricity.Function.READ_NEXT: "read the next part",
    electricity.Function.READ_ADDRESS: "read the address",
    electricity.Function.WRITE: "write",
    electricity.Function.FREEZE: "freeze",
    electricity.Function.ORDER: "order to the relay",
}
_ELECTRICITY_ITEMS: Final = {
    STATUS_WORD_3: "status word 3",
    items.DATE: "date",
    items.TIME: "time of day",
    items.ADDRESS: "address",
}
_WATER_FUNCTIONS: Final = {
    water.Function.READ: "read",
    water.Function.READ_ADDRESS: "read the address",
    water.Function.WRITE: "write",
    water.Function.READ_KEY: "read the key's version",
    water.Function.WRITE_ADDRESS: "write the address",
    water.Function.SYNCHRONISE_COUNTER: "set the counter",
}
_WATER_ITEMS: Final = {messages.READING: "reading", messages.ADDRESS: "address", messages.VALVE: "valve"}
_VALVE_ORDERS: Final = {0x55: "open", 0x99: "close", 0x66: "open, not forced", 0x77: "close, not forced"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one frame is: names and words; `kind`, `what` and `address` are always there."""

    protocol: Protocol
    lines: tuple[tuple[str, str], ...]


def explain(text: str, zone: tzinfo) -> list[Explanation]:
    """Return what the frames in `text` say: hexadecimal digits, apart or not; noise between frames is passed over.

    Raises:
        CodecError: there are other characters in it, or no whole frame; and why.
    """
    raw = _read_hex(text)
    try:
        return [_explain_whole(raw, zone)]
    except CodecError as error:
        found = [_explain_electricity(frame, zone) for frame in electricity.Decoder().feed(raw)]
        found += [_explain_water(frame, zone) for frame in water.Decoder().feed(raw)]
        if not found:
            raise CodecError(f"{len(raw)} bytes hold no whole frame: {error}") from error
        return found


def _read_hex(text: str) -> bytes:
    digits = "".join(text.replace("0x", " ").replace("0X", " ").replace(",", " ").replace(":", " ").split())
    if not digits:
        raise CodecError("no bytes were given")
    for place, one in enumerate(digits):
        if one not in "0123456789abcdefABCDEF":
            raise CodecError(f"{one!r} (character {place + 1}) is no hexadecimal digit")
    if len(digits) % 2:
        raise CodecError(f"{len(digits)} hexadecimal digits are no whole bytes")
    return bytes.fromhex(digits)


def _explain_whole(raw: bytes, zone: tzinfo) -> Explanation:
    body = raw.lstrip(b"\xfe")
    if len(body) > 7 and body[7] == body[0]:
        return _explain_electricity(electricity.decode(raw), zone)
    return _explain_water(water.decode(raw), zone)


def _explain_electricity(frame: electricity.Frame, zone: tzinfo) -> Explanation:
    name = next((words for key, words in _ELECTRICITY_FUNCTIONS.items() if key == frame.function), None)
    kind = "refusal" if frame.is_error else "answer" if frame.is_answer else "request"
    address = {electricity.EVERYBODY: "every meter of the line", electricity.ANYBODY: "the one meter there is"}
    lines = [
        ("kind", f"{kind} (control {frame.control:02X})"),
        ("what", name or f"function {frame.function:02X}, which is not known here"),
        ("address", address.get(frame.address, frame.address)),
    ]
    try:
        lines += _electricity_details(frame, zone)
    except CodecError as error:
        lines.append(("not understood", str(error)))
    if frame.has_more:
        lines.append(("more", "the meter has more than fits into one answer"))
    return Explanation(Protocol.DLT645, tuple(lines))


def _electricity_details(frame: electricity.Frame, zone: tzinfo) -> list[tuple[str, str]]:
    if frame.is_error:
        return [("reason", ", ".join(answers.read_error(frame)) or "none given")]
    match frame.function:
        case electricity.Function.READ | electricity.Function.READ_NEXT:
            return _item(frame, zone)
        case electricity.Function.BROADCAST_TIME:
            return [("time", f"{times.decode_second(frame.data, zone):%Y-%m-%d %H:%M:%S}")]
        case electricity.Function.ORDER:
            return _acknowledgement(frame) if frame.is_answer else _order(frame, zone)
        case electricity.Function.READ_ADDRESS if frame.is_answer:
            return [("its address", answers.read_address(frame))]
        case _:
            return [("data", frame.data.hex(" ").upper())] if frame.data else []


def _item(frame: electricity.Frame, zone: tzinfo) -> list[tuple[str, str]]:
    item = items.read_id(frame.data)
    form = numbers.find_format(item)
    name = form.name if form else _ELECTRICITY_ITEMS.get(item)
    if items.is_time_of_freeze(item):
        name = "time of a freeze"
    lines = [("item", f"{item:08X}, {name or 'which is not known here'}")]
    if not frame.is_answer:
        return lines
    if name is None:
        return [*lines, ("data", frame.data[4:].hex(" ").upper())]
    return [*lines, *(("value", words) for words in items.describe(item, items.decode(item, frame.data[4:], zone)))]


def _acknowledgement(frame: electricity.Frame) -> list[tuple[str, str]]:
    words = answers.read_acknowledgement(frame).words
    return [("says", ", ".join(words) or "accepted; that the relay moved is in status word 3")]


def _order(frame: electricity.Frame, zone: tzinfo) -> list[tuple[str, str]]:
    order = orders.read_order(frame, _ELECTRICITY_MODEL, zone)
    operator = ("operator", order.operator if isinstance(order, orders.EncryptedOrder) else order.credentials.operator)
    if isinstance(order, orders.EncryptedOrder):
        return [("order", f"encrypted for the meter's security module (level {order.level:02X})"), operator]
    until = f"{order.valid_until:%Y-%m-%d %H:%M:%S}" if order.valid_until else "not said (all zeros)"
    command = order.command.name.lower().replace("_", " ")
    return [
        ("order", f"{order.command:02X}, {command}"),
        ("password", f"level {order.level:02X}; its digits are not shown"),
        operator,
        ("void after", until),
    ]


def _explain_water(frame: water.Frame, zone: tzinfo) -> Explanation:
    kind = "refusal" if frame.is_error else "answer" if frame.is_answer else "request"
    function = frame.control & 0x3F
    known = {one.value: one.name.lower().replace("_", " ") for one in water.MeterType}
    lines = [
        ("kind", f"{kind} (control {frame.control:02X})"),
        ("what", next((name for key, name in _WATER_FUNCTIONS.items() if key == function), f"function {function:02X}")),
        ("address", "the one meter there is" if frame.address == water.ANYBODY else frame.address),
        ("meter", f"type {frame.meter_type:02X}, {known.get(frame.meter_type, 'another kind')}"),
    ]
    try:
        lines += _water_details(frame, zone)
    except CodecError as error:
        lines.append(("not understood", str(error)))
    return Explanation(Protocol.CJT188, tuple(lines))


def _water_details(frame: water.Frame, zone: tzinfo) -> list[tuple[str, str]]:
    if frame.is_error or len(frame.data) < 3:
        return [("data", frame.data.hex(" ").upper())] if frame.data else []
    item = messages.read_id(frame.data)
    order = "high byte first" if frame.data[0] == item >> 8 else "low byte first"
    lines = [
        ("item", f"{item:04X} ({order}), {_WATER_ITEMS.get(item, 'which is not known here')}"),
        ("serial", str(frame.data[2])),
    ]
    if item == messages.READING and frame.is_answer:
        return [*lines, *_water_reading(frame, zone)]
    if item == messages.VALVE and not frame.is_answer and len(frame.data) == 4:
        return [*lines, ("order", _VALVE_ORDERS.get(frame.data[3], f"{frame.data[3]:02X}"))]
    rest = frame.data[3:].hex(" ").upper()
    return [*lines, ("data", rest)] if rest else lines


def _water_reading(frame: water.Frame, zone: tzinfo) -> list[tuple[str, str]]:
    reading = messages.read_reading(frame, _WATER_MODEL, zone)
    clock = f"{reading.clock:%Y-%m-%d %H:%M:%S}" if reading.clock else "none: all zeros, or no time"
    status = reading.status
    return [
        ("total", _volume(reading.total)),
        ("at settlement", _volume(reading.at_settlement)),
        ("clock", clock),
        ("valve", f"{status.valve.value} (as the standard has it; word {status.word:04X})"),
        ("battery", "low" if status.is_battery_low else "good"),
    ]


def _volume(counter: messages.Counter) -> str:
    if counter.digits is None:
        return "no value"
    if counter.volume_ml is None:
        return f"{counter.digits} hundredths of the unit {counter.unit:02X}"
    whole, rest = divmod(counter.volume_ml, 1_000_000)
    return f"{whole}.{rest:06d}".rstrip("0").ljust(len(str(whole)) + 3, "0") + " m³"
