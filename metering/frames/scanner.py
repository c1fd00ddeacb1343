"""Finding frames in what a line brings: noise, echoes and parts of frames among them.

Every byte that may begin a frame is followed until its frame is complete or impossible, so that noise which looks like
a beginning never hides the frame behind it. Frames may therefore overlap; what is an answer is decided by its address,
control code and data id, and never by its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from metering.frames.bcd import CodecError

START, END, PREAMBLE = 0x68, 0x16, 0xFE

_Frame = TypeVar("_Frame")


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a protocol's frame has its parts; behind the data come the sum of all before and `END`."""

    header: int
    """Bytes before the data; the last of them says how many bytes of data follow."""
    starts: tuple[int, ...]
    """Places of the header that hold `START`."""
    most_data: int


def close_frame(frame: bytes) -> bytes:
    """Return `frame` with its sum and `END` behind."""
    return frame + bytes((sum(frame) & 0xFF, END))


def check_frame(raw: bytes, shape: Shape) -> bytes:
    """Return one whole frame without the `PREAMBLE` bytes before it.

    Raises:
        CodecError: it is none, and why.
    """
    frame = raw.lstrip(bytes((PREAMBLE,)))
    if len(frame) < shape.header + 2:
        raise CodecError(f"{len(frame)} bytes are too few for a frame")
    if any(frame[place] != START for place in shape.starts):
        raise CodecError("a 68 is missing where a frame has one")
    length = frame[shape.header - 1]
    if length > shape.most_data or len(frame) != shape.header + length + 2:
        raise CodecError(f"the frame says {length} bytes of data and has {len(frame) - shape.header - 2}")
    if frame[-1] != END:
        raise CodecError("the frame does not end with 16")
    if frame[-2] != sum(frame[:-2]) & 0xFF:
        raise CodecError(f"the sum is {sum(frame[:-2]) & 0xFF:02X}, and the frame says {frame[-2]:02X}")
    return frame


class Scanner:
    """Finds frames of one shape; how the bytes come in pieces makes no difference."""

    def __init__(self, shape: Shape) -> None:
        """`shape`: that of the protocol."""
        self._shape = shape
        self._buffer = bytearray()
        self._open: list[int] = []
        self._seen = 0

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Return the frames that are complete with `data`, in the order of their ends."""
        self._buffer += data
        self._find_starts()
        complete: list[tuple[int, int]] = []
        still_open = []
        for start in self._open:
            end = self._end(start)
            if end is None or end > len(self._buffer):
                still_open.append(start)
            elif end and self._is_closed(start, end):
                complete.append((end, start))
        frames = [bytes(self._buffer[start:end]) for end, start in sorted(complete)]
        self._drop(still_open)
        return frames

    def clear(self) -> None:
        """Forget what is not complete."""
        self._buffer.clear()
        self._open, self._seen = [], 0

    def _find_starts(self) -> None:
        at = self._buffer.find(START, self._seen)
        while at >= 0:
            self._open.append(at)
            at = self._buffer.find(START, at + 1)
        self._seen = len(self._buffer)

    def _end(self, start: int) -> int | None:
        """Return where the frame ends, 0 where none can begin here, `None` while that is not known."""
        shape, buffer = self._shape, self._buffer
        here = len(buffer) - start
        for place in shape.starts:
            if place < here and buffer[start + place] != START:
                return 0
        if here < shape.header:
            return None
        length = buffer[start + shape.header - 1]
        return start + shape.header + length + 2 if length <= shape.most_data else 0

    def _is_closed(self, start: int, end: int) -> bool:
        buffer = self._buffer
        return buffer[end - 1] == END and buffer[end - 2] == sum(buffer[start : end - 2]) & 0xFF

    def _drop(self, still_open: list[int]) -> None:
        gone = still_open[0] if still_open else len(self._buffer)
        del self._buffer[:gone]
        self._open = [start - gone for start in still_open]
        self._seen = len(self._buffer)


class FrameDecoder(Generic[_Frame]):
    """Finds the frames of one protocol in what a line brings, as that protocol's values."""

    def __init__(self, shape: Shape, read: Callable[[bytes], _Frame]) -> None:
        """`shape`: that of the protocol; `read` makes the value of one whole frame."""
        self._scanner = Scanner(shape)
        self._read = read

    def feed(self, data: bytes) -> Sequence[_Frame]:
        """Return the frames that are complete with `data`."""
        return [self._read(raw) for raw in self._scanner.feed(data)]

    def clear(self) -> None:
        """Forget what is not complete."""
        self._scanner.clear()
