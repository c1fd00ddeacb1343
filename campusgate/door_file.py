"""A door's TOML file: what its installer built, and how it is to behave."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from campusgate.settings.names import require_known_keys
from campusgate.settings.toml_file import read_toml
from errors import OperatorError
from gate_controller.barrier_settings import DoorSettings, TurnstileSettings
from gate_controller.readers.framing import Frame
from gate_controller.readers.numbers import Base, NumberFormat, Order
from gate_controller.readers.texts import TextFormat


class DoorFileError(OperatorError):
    """The door's file cannot be used; the message says which line or field."""


Pin = int | str
"""A pin of the computer, or the number of an input or coil of a board."""
_Port = Annotated[int, Field(ge=1, le=65535)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BoardPart(_Part):
    """A relay board with inputs, on the network (Modbus TCP)."""

    host: str
    port: _Port = 502
    unit: int = Field(default=1, ge=0, le=255)


class RelayPart(_Part):
    """The relay that releases the lock."""

    driver: Literal["gpio", "modbus", "simulated"] = "gpio"
    pin: Pin = 17
    active_high: bool = True
    secured: Pin | None = None
    """A second relay, energised while this door is closed and locked: the leave of the other door of an interlock."""
    record: Path | None = None
    """A simulated relay writes each movement with its time to this file."""


WIRES = ("contact", "exit_button", "fire", "tamper", "interlock", "passage", "reverse")


class InputsPart(_Part):
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


_OF_TEXTS = ("base", "frame", "reads", "prefix", "suffix")


class ReaderPart(_Part):
    """The card reader. `lines` without a port: there is none."""

    driver: Literal["lines", "osdp", "wiegand", "serial", "keyboard"] = "lines"
    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)
    device: Path | None = None
    speed: int = 9600
    address: int = Field(default=0, ge=0, le=126)
    key_file: Path | None = None
    """OSDP: the reader's own key (SCBK)."""
    data0: Pin | None = None
    data1: Pin | None = None
    base: Base = 16
    """In what a card's number is written: hexadecimal or decimal digits, or facility and number in decimal digits."""
    order: Order = "first_byte_first"
    bits: int | None = Field(default=None, ge=24, le=80, multiple_of=8)
    """How many bits of a number count, from the last."""
    frame: Frame = "line"
    """`pause`: texts have no end but the silence after them."""
    reads: Literal["cards", "codes"] = "cards"
    prefix: str = ""
    suffix: str = ""

    @property
    def numbers(self) -> NumberFormat:
        """How this reader writes numbers."""
        return NumberFormat(self.base, self.order, self.bits)

    @property
    def texts(self) -> TextFormat:
        """How this reader writes lines."""
        return TextFormat(self.numbers, self.frame, self.reads, self.prefix, self.suffix)

    @model_validator(mode="after")
    def _says_how_only_where_its_driver_heeds_it(self) -> Self:
        heeded = {"osdp": (), "wiegand": (), "lines": ("base",)}.get(self.driver, _OF_TEXTS)
        if idle := [name for name in _OF_TEXTS if name in self.model_fields_set and name not in heeded]:
            raise ValueError(f"a reader with driver {self.driver!r} has no {' and no '.join(idle)}")
        return self

    @model_validator(mode="after")
    def _names_what_its_driver_needs(self) -> Self:
        needed = {"osdp": ("device", "key_file"), "wiegand": ("data0", "data1"), "serial": ("device",),
                  "keyboard": ("device",), "lines": ()}  # fmt: skip
        if missing := [name for name in needed[self.driver] if getattr(self, name) is None]:
            raise ValueError(f"a reader with driver {self.driver!r} needs {' and '.join(missing)}")
        return self


class CardsPart(_Part):
    """How cards are believed."""

    proof_key_file: Path | None = None
    """Keys of NTAG 424 DNA cards: two lines of 32 hexadecimal digits (`gate_controller.sun`)."""


class DoorFile(_Part):
    """One door as its installer built it."""

    board: BoardPart | None = None
    relay: RelayPart = RelayPart()
    inputs: InputsPart = InputsPart()
    reader: ReaderPart = ReaderPart()
    cards: CardsPart = CardsPart()
    answer_wait_ms: int = Field(default=150, ge=0, le=1000)
    """How long the edge may think about a card."""
    door: DoorSettings | None = None
    turnstile: TurnstileSettings | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.door is not None and self.turnstile is not None:
            raise ValueError("a gate is a [door] or a [turnstile]")
        if self.turnstile is not None and self.inputs.passage is None and self.relay.driver != "simulated":
            raise ValueError("a turnstile needs the input passage")
        if self.relay.driver == "modbus":
            if self.board is None:
                raise ValueError("a relay with driver 'modbus' needs [board]")
            pins = [self.relay.pin, self.relay.secured, *(getattr(self.inputs, name) for name in WIRES)]
            if any(isinstance(pin, str) for pin in pins):
                raise ValueError("coils and inputs of a board are numbers")
        elif self.inputs.supervised:
            raise ValueError("supervised wires need a board that measures: relay.driver = 'modbus'")
        return self

    @property
    def settings(self) -> DoorSettings | TurnstileSettings:
        """How the door behaves; without a contact nobody knows whether it is open."""
        return self.turnstile or self.door or DoorSettings(has_contact=self.inputs.contact is not None)


def read_door_file(path: Path) -> DoorFile:
    """Read a door's TOML file.

    Raises:
        DoorFileError: unreadable, no TOML, or a field is wrong.
    """

    def validate(values: dict[str, Any]) -> DoorFile:
        require_known_keys(values, DoorFile, str(path), DoorFileError)
        return TypeAdapter(DoorFile).validate_python(values)

    return read_toml(path, validate, DoorFileError)
