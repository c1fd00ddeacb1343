"""A frame: 68 A0–A5 68 C L data+33H sum 16; the address and each data id go lowest byte first."""

import re
from dataclasses import dataclass
from enum import IntEnum

from metering.frames import bcd
from metering.frames.bcd import CodecError
from metering.frames.scanner import PREAMBLE, START, FrameDecoder, Shape, check_frame, close_frame

ANYBODY = "AAAAAAAAAAAA"
"""The wildcard address: one meter alone on a line answers, with its own address."""
EVERYBODY = "999999999999"
"""The broadcast address, which nobody answers."""
MOST_DATA = 200
SHAPE = Shape(header=10, starts=(0, 7), most_data=MOST_DATA)

_OFFSET = bytes((byte + 0x33) & 0xFF for byte in range(256))
_PLAIN = bytes((byte - 0x33) & 0xFF for byte in range(256))
_ADDRESS = re.compile("[0-9A-F]{12}")


class Function(IntEnum):
    """What a frame is about: the five low bits of its control code."""

    BROADCAST_TIME = 0x08
    READ = 0x11
    READ_NEXT = 0x12
    READ_ADDRESS = 0x13
    WRITE = 0x14
    FREEZE = 0x16
    ORDER = 0x1C


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `address` as printed on the meter (12 digits), `data` without the 33H that is added on the wire."""

    address: str
    control: int
    data: bytes = b""

    @property
    def function(self) -> int:
        """What it is about: a `Function` where it is one of those."""
        return self.control & 0x1F

    @property
    def is_answer(self) -> bool:
        """Whether it comes from a meter."""
        return bool(self.control & 0x80)

    @property
    def is_error(self) -> bool:
        """Whether a meter refuses with it."""
        return bool(self.control & 0x40)

    @property
    def has_more(self) -> bool:
        """Whether further parts follow on request."""
        return bool(self.control & 0x20)


def encode(frame: Frame, *, preamble: int = 0) -> bytes:
    """Return the bytes of `frame`, with that many FE before it to wake a meter's receiver.

    Raises:
        CodecError: the address has not 12 hexadecimal digits in upper case, or there are more than 200 bytes of data.
    """
    if not _ADDRESS.fullmatch(frame.address):
        raise CodecError(f"the address {frame.address!r} has not 12 digits")
    if len(frame.data) > MOST_DATA:
        raise CodecError(f"{len(frame.data)} bytes of data are too many")
    header = bytes((START, *bcd.encode_text(frame.address), START, frame.control, len(frame.data)))
    return bytes((PREAMBLE,)) * preamble + close_frame(header + frame.data.translate(_OFFSET))


def decode(raw: bytes) -> Frame:
    """Return the frame that `raw` is, with or without FE before it.

    Raises:
        CodecError: it is none, and why.
    """
    return _read(check_frame(raw, SHAPE))


class Decoder(FrameDecoder[Frame]):
    """Finds the frames in what a line brings."""

    def __init__(self) -> None:
        super().__init__(SHAPE, _read)


def _read(raw: bytes) -> Frame:
    return Frame(bcd.decode_text(raw[1:7]), raw[8], raw[10:-2].translate(_PLAIN))
