"""The drivers of relays and wires by their names in a door's file; a further one is a file and a line here."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import field_validator

from gate_controller.boards import OpenBoard, RelayOptions
from gate_controller.boards.gpio import GpioBoard
from gate_controller.boards.modbus import ModbusBoard
from gate_controller.boards.simulated import SimulatedBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardDriver:
    """One driver, and what the door's file must say for it."""

    open: OpenBoard
    is_simulated: bool = False
    is_remote: bool = False
    """It needs `[board]`, its coils and inputs are numbers, and it measures supervised wires."""


BOARDS: Mapping[str, BoardDriver] = {
    "gpio": BoardDriver(open=GpioBoard),
    "modbus": BoardDriver(open=ModbusBoard, is_remote=True),
    "simulated": BoardDriver(open=SimulatedBoard, is_simulated=True),
}


class RelayTable(RelayOptions):
    """`[relay]`: the relay, and with `driver` where the wires are too."""

    driver: str = "gpio"

    @field_validator("driver")
    @classmethod
    def _is_known(cls, driver: str) -> str:
        if driver not in BOARDS:
            raise ValueError(f"there is no driver {driver!r} of relays; there are {', '.join(BOARDS)}")
        return driver
