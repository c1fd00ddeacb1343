"""A frame: 68 T A0–A6 C L data sum 16; the address goes lowest byte first, and nothing is added to the data."""

import re
from dataclasses import dataclass
from enum import IntEnum

from metering.frames import bcd
from metering.frames.bcd import CodecError
from metering.frames.scanner import PREAMBLE, START, FrameDecoder, Shape, check_frame, close_frame

ANYBODY = "AAAAAAAAAAAAAA"
"""The wildcard address: one meter alone on a line answers, with its own address."""
MOST_DATA = 200
SHAPE = Shape(header=11, starts=(0,), most_data=MOST_DATA)
_ADDRESS = re.compile("[0-9A-F]{14}")


class Function(IntEnum):
    """What a frame is about: the six low bits of its control code."""

    READ = 0x01
    READ_ADDRESS = 0x03
    WRITE = 0x04
    READ_KEY = 0x09
    WRITE_ADDRESS = 0x15
    SYNCHRONISE_COUNTER = 0x16


class MeterType(IntEnum):
    """What a meter counts, as its frames say."""

    COLD_WATER = 0x10
    HOT_WATER = 0x11
    DRINKING_WATER = 0x12
    RECLAIMED_WATER = 0x13
    GAS = 0x30


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `address` as printed on the meter (14 digits, the first four its maker's)."""

    meter_type: int
    address: str
    control: int
    data: bytes = b""

    @property
    def is_answer(self) -> bool:
        """Whether it comes from a meter."""
        return bool(self.control & 0x80)

    @property
    def is_error(self) -> bool:
        """Whether a meter refuses with it."""
        return self.is_answer and bool(self.control & 0x40)


def encode(frame: Frame, *, preamble: int = 0) -> bytes:
    """Return the bytes of `frame`, with that many FE before it to wake a meter's receiver.

    Raises:
        CodecError: the address has not 14 hexadecimal digits in upper case, or there are more than 200 bytes of data.
    """
    if not _ADDRESS.fullmatch(frame.address):
        raise CodecError(f"the address {frame.address!r} has not 14 digits")
    if len(frame.data) > MOST_DATA:
        raise CodecError(f"{len(frame.data)} bytes of data are too many")
    header = bytes((START, frame.meter_type, *bcd.encode_text(frame.address), frame.control, len(frame.data)))
    return bytes((PREAMBLE,)) * preamble + close_frame(header + frame.data)


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
    return Frame(raw[1], bcd.decode_text(raw[2:9]), raw[9], raw[11:-2])
