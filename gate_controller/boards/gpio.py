"""Relays and wires on the pins of a single-board computer."""

from collections.abc import Mapping

from gate_controller.boards import CLOSED_WHEN_ACTIVE, BoardTable, RelayOptions
from gate_controller.door_file_tables import InputsTable, Pin
from gate_controller.inputs import Input
from gate_controller.inputs.gpio import GpioInput
from gate_controller.readers.lines import Verb
from gate_controller.relays import Relay
from gate_controller.relays.gpio import GpioRelay


class GpioBoard:
    """The computer's own pins."""

    verbs: Mapping[str, Verb] = {}

    def __init__(self, relay: RelayOptions, _inputs: InputsTable, _board: BoardTable | None) -> None:
        self._active_high = relay.active_high

    def open_relay(self, pin: Pin) -> Relay:
        """Return the relay at `pin`."""
        return GpioRelay(pin, active_high=self._active_high)

    def open_input(self, name: str, pin: Pin | None) -> Input | None:
        """Return the wire at `pin`."""
        return None if pin is None else GpioInput(pin, active_when_open=name not in CLOSED_WHEN_ACTIVE)

    def start(self) -> None:
        """Nothing to begin: pins tell each change."""

    def close(self) -> None:
        """Nothing is shared."""
