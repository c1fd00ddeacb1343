"""Where one text of a reader ends and the next begins: pure, with the time passed in.

A text ends with CR, LF or Tab, or is a frame from STX to ETX; with `pause` it ends by silence. RDM6300 and ID-20LA send
ten hexadecimal digits and a checksum of two between STX and ETX.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

LONGEST = 256
"""Characters of one text; the longest is a signed code of 183 digits."""
PAUSE_S = 0.5
"""Readers send a number in one go: 26 characters take 30 ms at 9600 baud, and a keyboard wedge about 10 ms each."""
_ENDS = "\r\n\t\x03\x04\0"
_STX, CANCEL = "\x02", "\x18"
_MARKED = re.compile(r"[0-9A-Fa-f]{12}")

Frame = Literal["line", "pause"]


@dataclass(frozen=True, slots=True)
class Framed:
    """One text as it came."""

    text: str = field(repr=False)
    fault: str | None = None
    """Its form, where it cannot be what the reader meant to send: cut off, too long, a wrong checksum."""


class Framing:
    """Cuts what arrives into texts; none vanishes."""

    def __init__(self, frame: Frame = "line", pause_s: float = PAUSE_S) -> None:
        """`frame` `pause`: this reader ends its texts by silence of `pause_s` seconds only."""
        self._pause_is_end = frame == "pause"
        self._pause_s = pause_s
        self._begin()
        self._at = 0.0

    def feed(self, text: str, now: float) -> Iterator[Framed]:
        """Yield the texts that are complete at `now` (monotonic seconds)."""
        for letter in text:
            self._at = now
            if letter in _ENDS:
                yield from self._end()
            elif letter in (_STX, CANCEL):
                yield from self._cut()
                self._marked = letter == _STX
            else:
                self._size += 1
                if self._size <= LONGEST:
                    self._text += letter
                elif self._size == LONGEST + 1:
                    yield Framed(self._text, f"unreadable: more than {LONGEST} bytes")

    def feed_silence(self, now: float) -> Iterator[Framed]:
        """Nothing has come until `now`: yield what is over by that."""
        if self._size and now - self._at > self._pause_s:
            yield from self._end() if self._pause_is_end else self._cut()

    def discard(self) -> bool:
        """Forget what is not complete; return whether there was anything."""
        had = self._size > 0
        self._begin()
        return had

    def _begin(self) -> None:
        self._text, self._size, self._marked = "", 0, False

    def _end(self) -> Iterator[Framed]:
        text, size, marked = self._text, self._size, self._marked
        self._begin()
        if 0 < size <= LONGEST:
            yield _checked(text) if marked and _MARKED.fullmatch(text) else Framed(text)

    def _cut(self) -> Iterator[Framed]:
        text, size = self._text, self._size
        self._begin()
        if 0 < size <= LONGEST:
            yield Framed(text, f"cut off after {size} bytes")


def _checked(text: str) -> Framed:
    *data, checksum = bytes.fromhex(text)
    total = 0
    for byte in data:
        total ^= byte
    if total != checksum:
        return Framed(text, "12 hex digits, checksum wrong")
    return Framed(text[:-2])
