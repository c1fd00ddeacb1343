"""Frames of the CRT-571 card dispenser (Creator), pure.

A frame is `F2 address length(2, big-endian) text 03 BCC`; BCC is the XOR of all bytes before it. The host's text is
`43 command parameter data`, the dispenser's `50 command parameter st0 st1 st2 data`, or `4E` (also `45`) `command
parameter e1 e0`. Single bytes stand between frames: `06` received, `15` damaged, send again, `04` given up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import reduce
from operator import xor
from typing import Final

START: Final = 0xF2
END: Final = 0x03
_COMMAND: Final = 0x43
_DONE: Final = 0x50
_REFUSED: Final = (0x4E, 0x45)
_FRAME: Final = 6
"""Bytes around the text."""
LONGEST_TEXT: Final = 512


class Control(IntEnum):
    """Single bytes between frames."""

    ACK = 0x06
    NAK = 0x15
    EOT = 0x04


class Command(Enum):
    """Command and parameter, the two bytes after `43`."""

    START_AND_HOLD = b"\x30\x30"
    START_AND_CAPTURE = b"\x30\x31"
    START_AND_LEAVE = b"\x30\x33"
    STATUS = b"\x31\x30"
    TO_GATE_AND_HOLD = b"\x32\x30"
    TO_IC_READER = b"\x32\x31"
    TO_RF_READER = b"\x32\x32"
    TO_BIN = b"\x32\x33"
    OUT_OF_GATE = b"\x32\x39"
    ALLOW_ENTRY = b"\x33\x30"
    FORBID_ENTRY = b"\x33\x31"
    ACTIVATE_RF = b"\x60\x30"
    SERIAL_NUMBER = b"\xa2\x30"


class CardPlace(IntEnum):
    """st0: where a card is."""

    NONE = 0x30
    GATE = 0x31
    READER = 0x32


class StackerLevel(IntEnum):
    """st1: how many cards wait."""

    EMPTY = 0x30
    FEW = 0x31
    ENOUGH = 0x32


class BinLevel(IntEnum):
    """st2: the bin for cards that are not handed out."""

    NOT_FULL = 0x30
    FULL = 0x31


class ErrorCode(Enum):
    """e1 and e0, two characters."""

    UNDEFINED_COMMAND = "00"
    WRONG_PARAMETER = "01"
    WRONG_SEQUENCE = "02"
    NOT_SUPPORTED = "03"
    WRONG_DATA = "04"
    CONTACT_NOT_RELEASED = "05"
    JAM = "10"
    SENSOR = "12"
    CARD_TOO_LONG = "13"
    CARD_TOO_SHORT = "14"
    MOVED_BY_HAND = "16"
    MOVED_WHILE_RECYCLING = "40"
    CONTACT_MAGNET = "41"
    NOT_TO_IC_READER = "43"
    MOVED_BY_HAND_BEFORE = "45"
    BIN_COUNTER_FULL = "50"
    MOTOR = "51"
    CARD_NOT_ACTIVATED = "61"
    STACKER_EMPTY = "A0"
    STACKER_FULL = "A1"
    NOT_STARTED = "B0"


class FrameError(ValueError):
    """The bytes are no answer of a dispenser."""


@dataclass(frozen=True, slots=True)
class Status:
    """st0, st1 and st2, which stand in every positive answer."""

    place: CardPlace
    stacker: StackerLevel
    bin: BinLevel


@dataclass(frozen=True, slots=True)
class Done:
    """A positive answer."""

    command: bytes
    status: Status
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Refused:
    """A negative answer. `code` is two characters, of `ErrorCode` where it is a known one."""

    command: bytes
    code: str

    @property
    def known(self) -> ErrorCode | None:
        """The meaning of the code, or None."""
        try:
            return ErrorCode(self.code)
        except ValueError:
            return None


Answer = Done | Refused


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that came whole."""

    address: int
    text: bytes


class Damaged(Enum):
    """Stands in place of a frame that did not come whole."""

    FRAME = "frame"


def check_byte(data: bytes) -> int:
    """Return the XOR of all bytes."""
    return reduce(xor, data, 0)


def build_frame(address: int, text: bytes) -> bytes:
    """Return a frame around `text`.

    Raises:
        FrameError: the text is empty or longer than 512 bytes, or the address is no byte.
    """
    if not 0 < len(text) <= LONGEST_TEXT or not 0 <= address <= 255:
        raise FrameError(f"no frame of {len(text)} bytes for address {address}")
    head = bytes([START, address]) + len(text).to_bytes(2, "big") + text + bytes([END])
    return head + bytes([check_byte(head)])


def build_command(address: int, command: Command, data: bytes = b"") -> bytes:
    """Return the host's frame of a command."""
    return build_frame(address, bytes([_COMMAND]) + command.value + data)


def read_answer(text: bytes) -> Answer:
    """Return what the text of a dispenser's frame says.

    Raises:
        FrameError: it is no answer, or a state in it is not known.
    """
    if len(text) >= 5 and text[0] in _REFUSED:
        return Refused(text[1:3], text[3:5].decode("ascii", "replace").upper())
    if len(text) < 6 or text[0] != _DONE:
        raise FrameError(f"no answer: {len(text)} bytes, first {text[:1].hex()}")
    try:
        status = Status(CardPlace(text[3]), StackerLevel(text[4]), BinLevel(text[5]))
    except ValueError as error:
        raise FrameError(f"a state is not known: {text[3:6].hex()}") from error
    return Done(text[1:3], status, text[6:])


def read_card_uid(data: bytes) -> str:
    """Return the UID in the answer to `ACTIVATE_RF`: kind of card, ATQA (2), length, UID, …, in hexadecimal.

    Raises:
        FrameError: it holds no UID of 4, 7 or 10 bytes (ISO/IEC 14443-3), or of another kind of card.
    """
    if len(data) < 4 or data[0] not in (0x4D, 0x41):
        raise FrameError(f"no card of type A: {data[:1].hex()}")
    uid = data[4 : 4 + data[3]]
    if data[3] not in (4, 7, 10) or len(uid) != data[3]:
        raise FrameError(f"a UID of {data[3]} bytes in {len(data)}")
    return uid.hex().upper()


class FrameReader:
    """Finds frames and single bytes in what comes over a line, in pieces of any length."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._buffer = bytearray()

    @property
    def is_amid(self) -> bool:
        """Whether a frame has begun that is not whole yet."""
        return bool(self._buffer)

    def clear(self) -> None:
        """Forget what has come."""
        self._buffer.clear()

    def feed(self, data: bytes) -> Iterator[Control | Frame | Damaged]:
        """Yield what is complete with `data`; bytes that belong to nothing are dropped."""
        self._buffer += data
        while self._buffer:
            first = self._buffer[0]
            if first != START:
                del self._buffer[0]
                if first in _CONTROLS:
                    yield Control(first)
                continue
            if len(self._buffer) < 4:
                return
            length = int.from_bytes(self._buffer[2:4], "big")
            if not 0 < length <= LONGEST_TEXT:
                del self._buffer[0]
                yield Damaged.FRAME
                continue
            whole = length + _FRAME
            if len(self._buffer) < whole:
                return
            frame = bytes(self._buffer[:whole])
            if frame[-2] == END and check_byte(frame[:-1]) == frame[-1]:
                del self._buffer[:whole]
                yield Frame(frame[1], frame[4:-2])
            else:
                # What follows may be lost with it: it is asked for again.
                self._buffer.clear()
                yield Damaged.FRAME


_CONTROLS: Final = frozenset(Control)
