"""The port of a card dispenser: cards wait in a stacker, are read at a reader, and leave by a gate or into a bin."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from card_dispensing.contract import Fault, Stacker


class Position(StrEnum):
    """Where a card is inside."""

    NONE = "none"
    GATE = "gate"
    READER = "reader"


class DispenserError(Exception):
    """The dispenser did not do what it was asked to; `fault` says why."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        """Keep the fault; `detail` is for the log and names no card."""
        super().__init__(f"{fault.value}: {detail}" if detail else fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class DispenserState:
    """What a dispenser says of itself."""

    position: Position
    stacker: Stacker
    is_bin_full: bool


class CardDispenser(Protocol):
    """A dispenser on its line; each call waits until it is done. Every method raises `DispenserError`."""

    def start(self) -> None:
        """Make it ready, also after a fault; a card that is inside stays where it is."""
        ...

    def read_state(self) -> DispenserState:
        """Return how it is now."""
        ...

    def look(self) -> DispenserState | None:
        """Return how it is without starting it; None where it has not been started since it has power."""
        ...

    def take_card(self) -> None:
        """Move a card from the stacker to the reader."""
        ...

    def read_uid(self) -> str:
        """Return the UID of the card at the reader, in upper-case hexadecimal."""
        ...

    def hand_out(self) -> None:
        """Move the card that is inside out of the gate; never one from the stacker."""
        ...

    def discard(self) -> None:
        """Move the card that is inside into the bin; never one from the stacker."""
        ...
