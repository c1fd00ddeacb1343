"""The controller's hardware: relay, wires and reader, as the door's file names them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from campusgate.doctor.findings import Finding, fault, ok, skip, warn
from campusgate.doctor.running import find_process
from campusgate.settings import Settings
from campusgate.settings.door_file import read_door_file
from errors import OperatorError
from gate_controller.boards.registry import BOARDS
from gate_controller.door_file import DoorFile
from gate_controller.door_hardware import open_hardware
from gate_controller.readers.registry import READERS


def check_door(settings: Settings, path: Path | None) -> Iterator[Finding]:
    """Examine relay and reader by opening them, where no controller has them."""
    if path is None:
        yield skip("relay", "no --door file was given: relay and reader were not looked at")
        return
    file = read_door_file(path)
    if BOARDS[file.relay.driver].is_simulated:
        yield warn("relay", f"the relay is simulated and moves no door: name its driver and pin in {path}")
    process = find_process(settings.data_dir)
    if process is not None:
        yield skip("relay", f"the running controller {process} has relay, wires and reader; its events tell of faults")
        yield from _look_at_device(file)
        return
    yield from _open(file)


def _open(file: DoorFile) -> Iterator[Finding]:
    table = file.reader
    if table.driver == "lines" and table.port is None:
        yield warn("reader", "the door has no card reader: its file says nothing in [reader]")
    else:
        try:
            READERS[table.driver].open(table)
            yield from _look_at_device(file)
        except OperatorError as error:
            yield fault("reader", str(error))
    # The reader was judged; the rest is opened as on a door without one.
    try:
        with ExitStack() as stack:
            open_hardware(file.model_copy(update={"reader": type(table)()}), stack)
    except OperatorError as error:
        yield fault("relay", str(error))
    else:
        yield ok("relay", f"relay and wires open with driver {file.relay.driver}")


def _look_at_device(file: DoorFile) -> Iterator[Finding]:
    device = getattr(file.reader, "device", None)
    if device is None:
        return
    if not Path(device).exists():
        yield fault("reader", f"{device} is not there: plug the reader in, or mend [reader] in the door's file")
    else:
        yield ok("reader", f"{device} is there")
