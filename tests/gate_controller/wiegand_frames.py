"""Frames as readers with two data wires make them."""


def frame(number: int, bits: int) -> list[int]:
    """What a reader sends for a number of `bits` bits."""
    data = [number >> (bits - 1 - index) & 1 for index in range(bits)]
    first, second = data[: bits // 2], data[bits // 2 :]
    return [sum(first) % 2, *data, 1 - sum(second) % 2]


def pack(bits: list[int]) -> bytes:
    """The same in bytes, filled with zeros at the end."""
    filled = [*bits, *[0] * (-len(bits) % 8)]
    return bytes(int("".join(map(str, filled[at : at + 8])), 2) for at in range(0, len(filled), 8))
