"""The card reader: the port, one file for each kind."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol


class ReaderError(Exception):
    """The reader cannot be opened; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one reading: the reader shows it by light and sound."""

    granted: bool
    reason: str


def _nobody_listens(_outcome: Outcome) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Reading:
    """Something was presented. `value` (a UID in hexadecimal, a code) never leaves the controller."""

    value: str = field(repr=False)
    kind: Literal["card", "code", "sun"] = "card"
    """`sun`: a text in which the card proves its key (`gate_controller.card_proof`)."""
    authenticated: bool = False
    """The card proved its key; otherwise it only told its UID."""
    read_ns: int = field(default_factory=time.monotonic_ns)
    answer: Callable[[Outcome], None] = _nobody_listens


class Reader(Protocol):
    """One reader."""

    def start(self, read: Callable[[Reading], None]) -> None:
        """Call `read` with every reading, from any thread.

        Raises:
            ReaderError: it cannot be opened.
        """
        ...

    def stop(self) -> None:
        """Read no more."""
        ...
