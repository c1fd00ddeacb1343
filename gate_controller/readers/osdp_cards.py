"""What an OSDP reader's card event says: pure.

The format that the event names is not to be relied on: some readers send the bits of a Wiegand frame with their parity,
some whole bytes, and both call it raw. The number of bits tells them apart.
"""

from collections.abc import Mapping
from typing import Any

from gate_controller.readers import Reading, Unreadable
from gate_controller.readers.bits import WiegandError, decode, has_parity, unpack
from gate_controller.readers.numbers import NumberFormat
from gate_controller.readers.texts import TextFormat, parse_reading


def parse_card_event(event: Mapping[str, Any], numbers: NumberFormat | None = None) -> Reading | Unreadable | None:
    """Return the card in a CardRead event: a frame with parity by its number, bytes as they are; None for nothing."""
    numbers = numbers or NumberFormat()
    data = bytes(event["data"])
    length = int(event.get("length") or 8 * len(data))
    if not data:
        return None
    if has_parity(length):
        return _with_parity(unpack(data, length), length, numbers)
    if (text := _text(data)) is not None:
        return parse_reading(text, TextFormat(numbers))
    if length % 8:
        return Unreadable(f"{length} bits")
    whole = data[: length // 8]
    number = numbers.parse_bytes(whole)
    form = f"{len(whole)} bytes"
    return Unreadable(form) if number is None else Reading(number, form=form)


def _with_parity(bits: list[int], length: int, numbers: NumberFormat) -> Reading | Unreadable:
    if len(bits) < length:
        return Unreadable(f"{length} bits announced, {len(bits)} sent")
    try:
        number = numbers.parse_bytes(bytes.fromhex(decode(bits)))
    except WiegandError as error:
        return Unreadable(str(error))
    form = f"{length} bits, parity good"
    return Unreadable(form) if number is None else Reading(number, form=form)


def _text(data: bytes) -> str | None:
    """Return a card's proof of its key; texts that are numbers cannot be told from bytes that are."""
    text = data.decode("latin-1").strip("\0\r\n ")
    return text if text.isascii() and text.isprintable() and "picc_data" in text.lower() else None
