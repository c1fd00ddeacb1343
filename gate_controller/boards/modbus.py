"""Relays and wires on a relay board on the network (Modbus TCP)."""

from collections.abc import Mapping

from gate_controller.boards import CLOSED_WHEN_ACTIVE, BoardTable, RelayOptions
from gate_controller.boards.modbus_client import ModbusClient
from gate_controller.door_file_tables import InputsTable, Pin
from gate_controller.inputs import Input
from gate_controller.readers.lines import Verb
from gate_controller.relays import Relay, RelayError


class ModbusBoard:
    """One relay board: coils, discrete inputs, and input registers for supervised wires."""

    verbs: Mapping[str, Verb] = {}

    def __init__(self, _relay: RelayOptions, inputs: InputsTable, board: BoardTable | None) -> None:
        """Prepare; nothing is asked before `start`.

        Raises:
            RelayError: the file names no board.
        """
        if board is None:
            raise RelayError("a relay with driver 'modbus' needs [board]")
        self._client = ModbusClient(board.host, board.port, unit=board.unit)
        self._supervised = frozenset(inputs.supervised)

    def open_relay(self, pin: Pin) -> Relay:
        """Return coil `pin` as a relay."""
        return self._client.add_relay(int(pin))

    def open_input(self, name: str, pin: Pin | None) -> Input | None:
        """Return discrete input `pin`, or input register `pin` where the wire is supervised."""
        if pin is None:
            return None
        add = self._client.add_supervised_input if name in self._supervised else self._client.add_input
        return add(int(pin), active_when_open=name not in CLOSED_WHEN_ACTIVE)

    def start(self) -> None:
        """Read the board once, so that its wires are known, and go on in a thread."""
        self._client.start()

    def close(self) -> None:
        """Hang up."""
        self._client.stop()
