"""Decimal digits, two a byte, the lowest pair first: how the meters of both protocols write numbers."""


class CodecError(ValueError):
    """Bytes that are not what they should be, or a value that has no such bytes."""


def encode(value: int, length: int) -> bytes:
    """Return `value` in `length` bytes.

    Raises:
        CodecError: it is negative or has more digits than that.
    """
    if not 0 <= value < 100**length:
        raise CodecError(f"{value} does not fit into {2 * length} digits")
    return bytes.fromhex(f"{value:0{2 * length}d}")[::-1]


def decode(data: bytes) -> int | None:
    """Return the number in `data`, `None` where each byte is FF: the meter has no value.

    Raises:
        CodecError: a half byte is no decimal digit.
    """
    text = data[::-1].hex()
    if text.isdecimal():
        return int(text)
    if data.count(0xFF) == len(data):
        return None
    raise CodecError(f"{data.hex(' ').upper()} are no decimal digits")


def encode_signed(value: int, length: int) -> bytes:
    """Return `value` in `length` bytes, whose highest bit says that it is negative.

    Raises:
        CodecError: its first digit does not fit beside the sign.
    """
    data = bytearray(encode(abs(value), length))
    if data[-1] & 0x80:
        raise CodecError(f"{value} does not fit into {2 * length} digits with a sign")
    if value < 0:
        data[-1] |= 0x80
    return bytes(data)


def decode_signed(data: bytes) -> int | None:
    """Return the number in `data` whose highest bit is its sign, `None` where each byte is FF.

    Raises:
        CodecError: a half byte is no decimal digit.
    """
    if not data or data[-1] < 0x80 or data.count(0xFF) == len(data):
        return decode(data)
    size = decode(data[:-1] + bytes((data[-1] & 0x7F,)))
    return None if size is None else -size


def encode_text(digits: str) -> bytes:
    """Return the bytes of an address or a code as it is printed: two hexadecimal digits a byte, the last pair first.

    Raises:
        CodecError: these are no pairs of digits.
    """
    try:
        return bytes.fromhex(digits)[::-1]
    except ValueError:
        raise CodecError(f"{digits!r} is not made of pairs of digits") from None


def decode_text(data: bytes) -> str:
    """Return an address or a code as it is printed, in upper case."""
    return data[::-1].hex().upper()
