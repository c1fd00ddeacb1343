"""What a door's file can say about a reader, shared by several drivers."""

from pathlib import Path

from pydantic import Field

from gate_controller.door_file_tables import Table
from gate_controller.readers.numbers import Base, NumberFormat, Order


class ReaderOptions(Table):
    """How a reader writes numbers."""

    base: Base = 16
    """In what a card's number is written: hexadecimal or decimal digits, or facility and number in decimal digits."""
    order: Order = "first_byte_first"
    bits: int | None = Field(default=None, ge=24, le=80, multiple_of=8)
    """How many bits of a number count, from the last."""

    @property
    def numbers(self) -> NumberFormat:
        """How this reader writes numbers."""
        return NumberFormat(self.base, self.order, self.bits)


class DeviceOptions(ReaderOptions):
    """Where a reader's device is."""

    device: Path | None = None
    speed: int = 9600
