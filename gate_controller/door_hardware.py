"""From a door's file to its hardware, through the drivers that the file names."""

from contextlib import ExitStack
from dataclasses import replace

from gate_controller.boards import Board
from gate_controller.boards.registry import BOARDS
from gate_controller.door_file import DoorFile
from gate_controller.door_file_tables import WIRES
from gate_controller.hardware import Hardware
from gate_controller.inputs import HasTamper, Inputs
from gate_controller.readers import Reader, ReaderError
from gate_controller.readers.lines import LineReader
from gate_controller.readers.registry import READERS, ReaderTable
from gate_controller.readers.several import SeveralReaders


def open_hardware(file: DoorFile, stack: ExitStack) -> Hardware:
    """Open the door's drivers; `stack` gives back what the controller itself does not.

    Raises:
        RelayError, InputError, ReaderError: a pin, a port or a key cannot be used.
    """
    driver = BOARDS[file.relay.driver]
    if file.board is not None and not driver.is_simulated:
        # Where there is a board, relay and wires are on it, also where the relay does not name its driver.
        driver = BOARDS["modbus"]
    if file.reader.port is not None and file.reader.driver != "lines" and not driver.is_simulated:
        raise ReaderError(
            f"the door's reader has driver {file.reader.driver!r} and a port too, where anybody could present any "
            'card: take the port away, or say driver = "lines"'
        )
    own = READERS[file.reader.driver].open(file.reader)
    board = driver.open(file.relay, file.inputs, file.board)
    relay = board.open_relay(file.relay.pin)
    secured = None if file.relay.secured is None else board.open_relay(file.relay.secured)
    inputs = Inputs(**{name: board.open_input(name, file.inputs.pin(name)) for name in WIRES})
    if file.inputs.tamper is None and isinstance(own, HasTamper):
        inputs = replace(inputs, tamper=own.tamper)
    reader = _join_port(own, file.reader, board)
    board.start()
    stack.callback(board.close)
    return Hardware(relay, inputs, reader, secured)


def _join_port(own: Reader | None, table: ReaderTable, board: Board) -> Reader | None:
    """Return the door's own reader, on a bench with the port that moves its wires."""
    if isinstance(own, LineReader):
        own.add_verbs(board.verbs)
        return own
    if table.port is None or own is None:
        return own
    return SeveralReaders(own, LineReader(table.host, table.port, verbs=board.verbs))
