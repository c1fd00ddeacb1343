"""The wires that tell the controller something: door contact, exit button, fire alarm, tamper switch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class InputError(Exception):
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


@dataclass(frozen=True, slots=True)
class Inputs:
    """The wires of one door; None where there is none."""

    contact: Input | None = None
    exit_button: Input | None = None
    fire: Input | None = None
    tamper: Input | None = None

    def close(self) -> None:
        """Give all of them back."""
        for wire in (self.contact, self.exit_button, self.fire, self.tamper):
            if wire is not None:
                wire.close()
