"""How readers write a card's number: pure functions from what was sent to the number as the directory knows it.

A number is 3 to 10 bytes in hexadecimal, the card's first byte first. Readers send the same card as hexadecimal or
decimal digits, from either end, cut to fewer bytes: what a reader is set to cannot be guessed, so `[reader]` says it.
"""

import re
from dataclasses import dataclass
from typing import Literal

FEWEST_BYTES, MOST_BYTES = 3, 10
"""24 bits of Wiegand to the longest UID of ISO/IEC 14443."""
_DECIMAL_BYTES = 4
"""Ten decimal digits are 32 bits."""
_SEPARATORS = re.compile(r"[\s:.\-]")
_HALVES = {
    "3+5": (re.compile(r"(\d{1,3})(?:[,.\- ](\d{1,5})|(\d{5}))"), 1),
    "5+5": (re.compile(r"(\d{1,5})(?:[,.\- ](\d{1,5})|(\d{5}))"), 2),
}
"""Facility and number, with or without a mark between; and how many bytes the facility has."""

Base = Literal[16, 10, "3+5", "5+5"]
Order = Literal["first_byte_first", "last_byte_first"]


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How one reader writes numbers."""

    base: Base = 16
    order: Order = "first_byte_first"
    bits: int | None = None
    """How many bits count, from the last; a multiple of 8. Shorter numbers get their leading zeros back."""

    def parse_text(self, text: str) -> str | None:
        """Return the number in a text, None where none is written this way."""
        data = _bytes(text, self.base, self.bits)
        return None if data is None else self.parse_bytes(data)

    def parse_bytes(self, data: bytes) -> str | None:
        """Return the number in the bytes a reader sent, None for too few or too many (two cards in one)."""
        width = (self.bits or 0) // 8
        data = data.rjust(width, b"\0")
        if width and len(data) >= 2 * width:
            return None
        if self.order == "last_byte_first":
            data = data[::-1]
        if width:
            data = data[-width:]
        return data.hex().upper() if FEWEST_BYTES <= len(data) <= MOST_BYTES else None


def describe_text(text: str) -> str:
    """Return what a text looks like, without anything of it."""
    if re.fullmatch(r"\d+[,]\d+", text):
        return "+".join(str(len(part)) for part in text.split(",")) + " decimal digits"
    plain = _SEPARATORS.sub("", text)
    if plain and plain.isascii():
        if plain.isdigit():
            return f"{len(plain)} decimal digits"
        if re.fullmatch("[0-9A-Fa-f]+", plain):
            return f"{len(plain)} hex digits"
        if plain.isalnum():
            return f"{len(plain)} letters and digits"
    return f"unreadable: {len(text)} bytes"


def _bytes(text: str, base: Base, bits: int | None) -> bytes | None:
    if base in ("3+5", "5+5"):
        return _halves(text.strip(), base)
    digits = _SEPARATORS.sub("", text)
    if base == 16:
        # A single digit less is a leading zero that was lost; more of them are told by `bits`.
        fewest = 1 if bits is not None else 2 * FEWEST_BYTES - 1
        if not fewest <= len(digits) <= 2 * MOST_BYTES or not re.fullmatch("[0-9A-Fa-f]+", digits):
            return None
        return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))
    if not re.fullmatch(r"[0-9]{1,25}", digits):
        return None
    number = int(digits)
    return number.to_bytes(max(bits // 8 if bits else _DECIMAL_BYTES, (number.bit_length() + 7) // 8), "big")


def _halves(text: str, base: Literal["3+5", "5+5"]) -> bytes | None:
    pattern, size = _HALVES[base]
    found = pattern.fullmatch(text)
    if found is None or not text.isascii():
        return None
    facility, number = int(found[1]), int(found[2] or found[3])
    if facility >= 256**size or number >= 256**2:
        return None
    return facility.to_bytes(size, "big") + number.to_bytes(2, "big")
