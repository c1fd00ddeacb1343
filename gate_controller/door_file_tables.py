"""What every table of a door's file shares, and the tables that no driver owns."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Pin = int | str
"""A pin of the computer, or the number of an input or coil of a board."""


class Table(BaseModel):
    """A table of the door's TOML file: a name that it does not have is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


WIRES = ("contact", "exit_button", "fire", "tamper", "interlock", "passage", "reverse")
"""The wires of a door, as `Inputs` names them."""


class InputsTable(Table):
    """Where the wires are; one that is not there is not named. With a simulated relay they are simulated too."""

    contact: Pin | None = None
    exit_button: Pin | None = None
    fire: Pin | None = None
    tamper: Pin | None = None
    interlock: Pin | None = None
    passage: Pin | None = None
    reverse: Pin | None = None
    supervised: tuple[Literal["contact", "exit_button", "fire", "tamper", "interlock"], ...] = ()
    """Wires with two resistors at their end, on input registers of a board."""

    def pin(self, name: str) -> Pin | None:
        """Return where the wire `name` (of `WIRES`) is, None where there is none."""
        pin: Pin | None = getattr(self, name)
        return pin


class CardsTable(Table):
    """How cards are believed."""

    proof_key_file: Path | None = None
    """Keys of NTAG 424 DNA cards: two lines of 32 hexadecimal digits (`gate_controller.sun`)."""
