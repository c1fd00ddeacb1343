"""Frames of bits, as Wiegand wires and OSDP carry them: pure functions."""

from collections.abc import Sequence

from gate_controller.readers.numbers import FEWEST_BYTES, MOST_BYTES

KEY_LENGTHS = (4, 8)
"""A key of a keypad is a burst of 4 bits, or of 8 with the complement before."""


class WiegandError(ValueError):
    """These bits are no card; the message is their form."""


def decode(bits: Sequence[int]) -> str:
    """Return what is between the two parity bits in hexadecimal (6 digits of 26 bits, 8 of 34, 14 of 58).

    The first bit makes the first half even, the last one the second half odd.

    Raises:
        WiegandError: another length, or a parity is wrong.
    """
    if not has_parity(len(bits)):
        raise WiegandError(f"{len(bits)} bits")
    half = len(bits) // 2
    if sum(bits[:half]) % 2 != 0 or sum(bits[half:]) % 2 != 1:
        raise WiegandError(f"{len(bits)} bits, parity wrong")
    return pack(bits[1:-1]).hex().upper()


def has_parity(length: int) -> bool:
    """Tell whether a frame of so many bits is whole bytes between two bits of parity."""
    return length % 8 == 2 and FEWEST_BYTES <= length // 8 <= MOST_BYTES


def pack(bits: Sequence[int]) -> bytes:
    """Return whole bytes, the first bit the highest."""
    return int("0" + "".join(map(str, bits)), 2).to_bytes(len(bits) // 8, "big")


def unpack(data: bytes, length: int) -> list[int]:
    """Return the first `length` bits of `data`, fewer where it has fewer."""
    return [data[index // 8] >> (7 - index % 8) & 1 for index in range(min(length, 8 * len(data)))]


def decode_key(bits: Sequence[int]) -> str | None:
    """Return the key of a burst: a digit, `*` or `#`; None when it is no key.

    A burst of 8 bits carries the key's complement first (HID's 8-bit burst).
    """
    if len(bits) == 8:
        before, bits = bits[:4], bits[4:]
        if any(one == other for one, other in zip(before, bits, strict=True)):
            return None
    value = int("".join(map(str, bits)), 2) if len(bits) == 4 else 16
    return "0123456789*#"[value] if value < 12 else None
