"""Relays and wires without hardware: a bench, whose wires are moved through a port (`fire on`, `contact off`)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gate_controller.boards import BoardTable, RelayOptions
from gate_controller.door_file_tables import InputsTable, Pin
from gate_controller.inputs import Input
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.readers.lines import Verb
from gate_controller.relays import Relay
from gate_controller.relays.simulated import SimulatedRelay

_ALWAYS_THERE = frozenset({"exit_button", "fire", "tamper"})
"""Wires that a bench has without being asked; the others change what the door is, and are named in `[inputs]`."""


class SimulatedBoard:
    """A bench. The first relay is the lock's, whose movements are recorded."""

    def __init__(self, relay: RelayOptions, _inputs: InputsTable, _board: BoardTable | None) -> None:
        self._record: Path | None = relay.record
        self._wires: dict[str, SimulatedInput] = {}

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """A verb for each wire: `exit on`."""
        return {name.removesuffix("_button"): _mover(wire) for name, wire in self._wires.items()}

    def open_relay(self, pin: Pin) -> Relay:  # noqa: ARG002 - a bench has no pins
        """Return a relay."""
        record, self._record = self._record, None
        return SimulatedRelay(None if record is None else _recorder(record))

    def open_input(self, name: str, pin: Pin | None) -> Input | None:
        """Return a wire where there is to be one."""
        if pin is None and name not in _ALWAYS_THERE:
            return None
        self._wires[name] = SimulatedInput()
        return self._wires[name]

    def start(self) -> None:
        """Nothing to begin."""

    def close(self) -> None:
        """Nothing is shared."""


def _mover(wire: SimulatedInput) -> Verb:
    def move(word: str) -> str:
        if word not in {"on", "off"}:
            return "error say on or off"
        wire.set(word == "on")
        return "done"

    return move


def _recorder(path: Path) -> Callable[[bool], None]:
    def record(energised: bool) -> None:
        with path.open("a", encoding="ascii") as file:
            file.write(f"{'on' if energised else 'off'} {datetime.now(UTC).isoformat()}\n")

    return record
