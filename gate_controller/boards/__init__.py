"""What carries a door's relays and wires: the port, one file for each driver, and `registry`, which lists them.

A driver is chosen by `driver` in `[relay]`; the wires are where the relay is.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field

from gate_controller.door_file_tables import InputsTable, Pin, Table
from gate_controller.inputs import Input
from gate_controller.readers.lines import Verb
from gate_controller.relays import Relay

CLOSED_WHEN_ACTIVE = frozenset({"exit_button", "passage", "reverse"})
"""Wires that close when something happens; all others are closed at rest, so that a cut one is noticed."""


class RelayOptions(Table):
    """The relay that releases the lock, whatever drives it."""

    pin: Pin = 17
    active_high: bool = True
    secured: Pin | None = None
    """A second relay, energised while this door is closed and locked: the leave of the other door of an interlock."""
    record: Path | None = None
    """A simulated relay writes each movement with its time to this file."""


class BoardTable(Table):
    """A relay board with inputs, on the network (Modbus TCP)."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1


class Board(Protocol):
    """Relays and wires of one door. They are opened first; `start` then begins to read the wires."""

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """How the wires of a bench are moved through the port of a reader; at a real door they are not."""
        ...

    def open_relay(self, pin: Pin) -> Relay:
        """Return the relay at `pin`; it does not move.

        Raises:
            RelayError: there is no such pin, or it cannot be used.
        """
        ...

    def open_input(self, name: str, pin: Pin | None) -> Input | None:
        """Return the wire `name` (of `WIRES`) at `pin`, None where there is none.

        Raises:
            InputError: there is no such pin, or it cannot be used.
        """
        ...

    def start(self) -> None:
        """Read the wires from now on."""
        ...

    def close(self) -> None:
        """Give back what relays and wires share; they themselves are closed before."""
        ...


OpenBoard = Callable[[RelayOptions, InputsTable, BoardTable | None], Board]
