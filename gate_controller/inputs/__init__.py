"""The wires that tell the controller something: door contact, exit button, fire alarm, tamper switch and others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from errors import OperatorError


class InputError(OperatorError):
    """A wire cannot be read; the message says which."""


class Input(Protocol):
    """One wire. `active` means what its name says: door open, button pressed, fire, housing opened."""

    @property
    def active(self) -> bool:
        """Its state now."""
        ...

    def watch(self, changed: Callable[[bool], None]) -> None:
        """Call `changed` with every new state, from any thread."""
        ...

    def close(self) -> None:
        """Give the hardware back."""
        ...


@runtime_checkable
class Supervised(Protocol):
    """A wire or a device that knows when it is broken: `cut`, `short`, or `lost` with the board that reads it."""

    def watch_fault(self, changed: Callable[[str | None], None]) -> None:
        """Call `changed` with every new fault and with None when all is well again, from any thread."""
        ...


@runtime_checkable
class HasTamper(Protocol):
    """A reader that tells whether its housing was opened."""

    @property
    def tamper(self) -> Input:
        """Its tamper switch."""
        ...


@dataclass(frozen=True, slots=True)
class Inputs:
    """The wires of one door; None where there is none."""

    contact: Input | None = None
    exit_button: Input | None = None
    fire: Input | None = None
    tamper: Input | None = None
    interlock: Input | None = None
    """Active while the other door of the pair is not closed and locked."""
    passage: Input | None = None
    """A turnstile's sensor: active for a moment when somebody passes in the granted direction."""
    reverse: Input | None = None

    def close(self) -> None:
        """Give all of them back."""
        for name in self.__slots__:
            wire: Input | None = getattr(self, name)
            if wire is not None:
                wire.close()
