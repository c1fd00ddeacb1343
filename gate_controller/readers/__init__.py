"""The card reader: the port, one file for each kind.

A reader reports everything that it was sent: what it can read, the form of what it cannot, and how much it dropped
because it may be old. Numbers are in a reading's value and nowhere else.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from errors import OperatorError


class ReaderError(OperatorError):
    """The reader cannot be opened; the message says why."""


@dataclass(frozen=True, slots=True)
class ReadingResult:
    """What became of one reading: the reader shows it by light and sound."""

    granted: bool
    reason: str


def _nobody_listens(_result: ReadingResult) -> None:
    pass


Kind = Literal["card", "code", "sun", "virtual"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Something was presented. `value` (a UID in hexadecimal, a code) never leaves the controller."""

    value: str = field(repr=False)
    kind: Kind = "card"
    """`sun`: a text in which the card proves its key (`gate_controller.sun`); `virtual`: a virtual card that was proven
    by its signed code (`gate_controller.code_authentication`), whose value is its handle."""
    authenticated: bool = False
    """The card proved its key; otherwise it only told its UID."""
    code_second: int | None = None
    """Of a virtual card: the Unix second of its code."""
    form: str = ""
    """How it came, such as `26 bits, parity good` or `10 decimal digits`; never the number."""
    read_ns: int = field(default_factory=time.monotonic_ns)
    answer: Callable[[ReadingResult], None] = _nobody_listens


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something came that is no card and no code."""

    form: str
    """How it came, such as `26 bits, parity wrong` or `unreadable: 17 bytes`; never what it was."""
    read_ns: int = field(default_factory=time.monotonic_ns)
    answer: Callable[[ReadingResult], None] = _nobody_listens


@dataclass(frozen=True, slots=True)
class Dropped:
    """Cards and keys that may have waited somewhere, dropped unread: whoever is still there shows the card again."""

    number: int
    why: Literal["line_lost", "hung"]
    """`line_lost`: the device or the line to it was away; `hung`: this process did not read for a while."""


Presented = Reading | Unreadable | Dropped
Read = Callable[[Presented], None]


class Reader(Protocol):
    """One reader."""

    def start(self, read: Read) -> None:
        """Call `read` with everything that comes, from any thread.

        Raises:
            ReaderError: it cannot be opened.
        """
        ...

    def stop(self) -> None:
        """Read no more."""
        ...
