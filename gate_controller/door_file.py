"""A door's file: what its installer built, and how it is to behave. Values only; the process reads the TOML."""

from typing import Self

from pydantic import Field, model_validator

from errors import OperatorError
from gate_controller.barrier_settings import DoorSettings, TurnstileSettings
from gate_controller.boards import BoardTable
from gate_controller.boards.registry import BOARDS, RelayTable
from gate_controller.door_file_tables import WIRES, CardsTable, InputsTable, Table
from gate_controller.readers.registry import ReaderTable


class DoorFileError(OperatorError):
    """The door's file cannot be used; the message says which line or field."""


class DoorFile(Table):
    """One door as its installer built it."""

    board: BoardTable | None = None
    relay: RelayTable = RelayTable()
    inputs: InputsTable = InputsTable()
    reader: ReaderTable = ReaderTable()
    cards: CardsTable = CardsTable()
    answer_wait_ms: int = Field(default=150, ge=0, le=1000)
    """How long the edge may think about a card."""
    door: DoorSettings | None = None
    turnstile: TurnstileSettings | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        driver = BOARDS[self.relay.driver]
        if self.door is not None and self.turnstile is not None:
            raise ValueError("a gate is a [door] or a [turnstile]")
        if self.turnstile is not None and self.inputs.passage is None and not driver.is_simulated:
            raise ValueError("a turnstile needs the input passage")
        if driver.is_remote:
            if self.board is None:
                raise ValueError(f"a relay with driver {self.relay.driver!r} needs [board]")
            pins = [self.relay.pin, self.relay.secured, *(self.inputs.pin(name) for name in WIRES)]
            if any(isinstance(pin, str) for pin in pins):
                raise ValueError("coils and inputs of a board are numbers")
        elif self.inputs.supervised:
            raise ValueError("supervised wires need a board that measures: relay.driver = 'modbus'")
        return self

    @property
    def settings(self) -> DoorSettings | TurnstileSettings:
        """How the door behaves; without a contact nobody knows whether it is open."""
        return self.turnstile or self.door or DoorSettings(has_contact=self.inputs.contact is not None)
