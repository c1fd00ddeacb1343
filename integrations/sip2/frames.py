"""Frames of SIP2: a code of two digits, fixed fields, fields with two letters that end with `|`, and a check sum.

A frame ends with a carriage return. The check sum is the two's complement of the sum of all bytes up to and including
`AZ`, as four hexadecimal digits (appendix A of the protocol).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

END: Final = b"\r"
"""Peers end a frame with a line feed too, or with that alone."""
LONGEST: Final = 4096
"""Bytes of a frame; a request takes some hundreds."""

_FIXED: Final[Mapping[str, int]] = MappingProxyType(
    {"23": 21, "35": 18, "37": 25, "63": 31, "93": 2, "96": 0, "97": 0, "99": 8}
    | {"24": 35, "36": 19, "38": 19, "64": 59, "94": 1, "98": 34}
)
"""Characters of the fixed fields, by code."""
_TAIL: Final = re.compile(rb"(?:AY([0-9]))?AZ([0-9A-Fa-f]{4})")


class FrameError(ValueError):
    """These bytes are no frame that is understood."""


class CheckSumError(FrameError):
    """The check sum is another: the frame was damaged on its way."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a frame says. Values of fields are not shown in a `repr`: they are names, numbers and passwords."""

    code: str
    fixed: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    sequence: str | None = None
    """The digit of error detection; None: the frame has none."""

    def get(self, name: str) -> str:
        """Return the first value of a field, or an empty text."""
        return next(iter(self.get_all(name)), "")

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field that may stand several times."""
        return tuple(value for key, value in self.fields if key == name)


def decode(frame: bytes, encoding: str) -> Message:
    """Return what a frame without its end says.

    Raises:
        CheckSumError: the frame asks for error detection, and its check sum is another.
        FrameError: it is no frame of a kind that is known.
    """
    frame = frame.lstrip(b"\0 ")
    sequence = None
    tail = _TAIL.fullmatch(frame[-9:]) or _TAIL.fullmatch(frame[-6:])
    if tail is not None:
        if int(tail[2], 16) != check_sum(frame[:-4]):
            raise CheckSumError("the check sum is another")
        sequence = tail[1].decode() if tail[1] is not None else None
        frame = frame[: -len(tail[0])]
    try:
        text = frame.decode(encoding)
    except UnicodeDecodeError as error:
        raise FrameError(f"the frame is not {encoding}") from error
    code, rest = text[:2], text[2:]
    length = _FIXED.get(code)
    if length is None:
        raise FrameError("a frame of another kind")
    if len(rest) < length:
        raise FrameError("the fixed fields are not whole")
    # Split as text: in GB18030 the byte of `|` may be half of a character.
    parts = [part for part in rest[length:].split("|") if part]
    if any(len(part) < 2 for part in parts):
        raise FrameError("a field without its name")
    return Message(code, rest[:length], tuple((part[:2], part[2:]) for part in parts), sequence)


def encode(message: Message, encoding: str) -> bytes:
    """Return the frame, with its carriage return; with a sequence it has a check sum, as its question had.

    What cannot be told apart from the frame's own signs is written as a blank, or as `?` where it is half a character.
    """
    said = "".join(f"{name}{_plain(value, encoding)}|" for name, value in message.fields)
    frame = f"{message.code}{message.fixed}{said}".encode(encoding)
    if message.sequence is not None:
        frame += f"AY{message.sequence}AZ".encode()
        frame += f"{check_sum(frame):04X}".encode()
    elif message.code in {"96", "97"}:
        frame += b"AZ"
        frame += f"{check_sum(frame):04X}".encode()
    return frame + END


def check_sum(content: bytes) -> int:
    """Return the check sum of what stands before it."""
    return -sum(content) & 0xFFFF


def _plain(value: str, encoding: str) -> str:
    written = []
    for sign in value:
        if sign == "|" or ord(sign) < 0x20:
            written.append(" ")
        else:
            code = sign.encode(encoding, errors="replace")
            written.append("?" if len(code) > 1 and b"|" in code else code.decode(encoding))
    return "".join(written)
