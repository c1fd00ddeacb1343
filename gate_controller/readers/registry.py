"""The drivers of readers by their names in a door's file; a further one is a file and a line here.

A driver that has options of its own derives them from `ReaderOptions`, and `ReaderTable` from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import field_validator, model_validator

from gate_controller.readers import Reader
from gate_controller.readers.lines import LineOptions, open_line_reader
from gate_controller.readers.osdp import OsdpOptions, open_osdp_reader
from gate_controller.readers.texts import TextOptions, open_keyboard_reader, open_serial_reader
from gate_controller.readers.wiegand import WiegandOptions, open_wiegand_reader


class ReaderTable(OsdpOptions, WiegandOptions, TextOptions, LineOptions):
    """`[reader]`: the card reader. `lines` without a port: there is none."""

    driver: str = "lines"

    @field_validator("driver")
    @classmethod
    def _is_known(cls, driver: str) -> str:
        if driver not in READERS:
            raise ValueError(f"there is no driver {driver!r} of readers; there are {', '.join(READERS)}")
        return driver

    @model_validator(mode="after")
    def _sets_only_what_its_driver_heeds(self) -> Self:
        heeded = READERS[self.driver].heeds
        ignored = [name for name in _NOT_FOR_ALL if name in self.model_fields_set and name not in heeded]
        if ignored:
            raise ValueError(f"a reader with driver {self.driver!r} has no {' and no '.join(ignored)}")
        return self

    @model_validator(mode="after")
    def _names_what_its_driver_needs(self) -> Self:
        missing = [name for name in READERS[self.driver].needs if getattr(self, name) is None]
        if missing:
            raise ValueError(f"a reader with driver {self.driver!r} needs {' and '.join(missing)}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderDriver:
    """One driver, and what the door's file may and must say for it."""

    open: Callable[[ReaderTable], Reader | None]
    needs: tuple[str, ...] = ()
    """Options without which there is nothing to open."""
    heeds: tuple[str, ...] = ()
    """Options that not every driver heeds, and this one does."""


_OF_TEXTS = ("base", "frame", "reads", "prefix", "suffix")
READERS: Mapping[str, ReaderDriver] = {
    "lines": ReaderDriver(open=open_line_reader, heeds=("base",)),
    "osdp": ReaderDriver(open=open_osdp_reader, needs=("device", "key_file")),
    "wiegand": ReaderDriver(open=open_wiegand_reader, needs=("data0", "data1")),
    "serial": ReaderDriver(open=open_serial_reader, needs=("device",), heeds=_OF_TEXTS),
    "keyboard": ReaderDriver(open=open_keyboard_reader, needs=("device",), heeds=_OF_TEXTS),
}
_NOT_FOR_ALL = tuple(dict.fromkeys(name for driver in READERS.values() for name in driver.heeds))
