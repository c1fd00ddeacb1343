"""From a door's file to its drivers."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from campusgate.door_file import WIRES, BoardPart, DoorFile, Pin, ReaderPart
from gate_controller.hardware import Hardware
from gate_controller.inputs import Input, Inputs
from gate_controller.inputs.gpio import GpioInput
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.modbus_board import ModbusBoard
from gate_controller.readers import Reader, ReaderError
from gate_controller.readers.lines import LineReader
from gate_controller.readers.osdp import OsdpReader, SerialChannel, read_key
from gate_controller.readers.several import SeveralReaders
from gate_controller.readers.texts import KeyboardText, SerialText, TextReader
from gate_controller.readers.wiegand import WiegandReader
from gate_controller.relays.gpio import GpioRelay
from gate_controller.relays.simulated import SimulatedRelay

_AT_REST_OPEN = {"exit_button", "passage", "reverse"}
"""Wires that close when something happens; all others close at rest, so that a cut one is noticed."""


def build(file: DoorFile, stack: ExitStack) -> Hardware:
    """Put the door's drivers together; `stack` gives back what the controller itself does not.

    Raises:
        RelayError, InputError, ReaderError: a pin, a port or a key cannot be used.
    """
    if file.relay.driver == "simulated":
        return _simulated(file)
    if file.reader.port is not None and file.reader.driver != "lines":
        raise ReaderError(
            f"the door's reader has driver {file.reader.driver!r} and a port too, where anybody could present any "
            'card: take the port away, or say driver = "lines"'
        )
    reader = _reader(file.reader)
    hardware = _on_board(file, file.board, stack) if file.board is not None else _on_pins(file)
    inputs = hardware.inputs
    if isinstance(reader, OsdpReader) and inputs.tamper is None:
        inputs = _with_tamper(inputs, reader)
    return Hardware(hardware.relay, inputs, reader, hardware.secured)


def _with_tamper(inputs: Inputs, reader: OsdpReader) -> Inputs:
    return Inputs(**{name: getattr(inputs, name) for name in WIRES if name != "tamper"}, tamper=reader.tamper)


def _on_pins(file: DoorFile) -> Hardware:
    relay = GpioRelay(file.relay.pin, active_high=file.relay.active_high)
    secured = None if file.relay.secured is None else GpioRelay(file.relay.secured, active_high=file.relay.active_high)

    def wire(name: str) -> Input | None:
        pin: Pin | None = getattr(file.inputs, name)
        return None if pin is None else GpioInput(pin, active_when_open=name not in _AT_REST_OPEN)

    return Hardware(relay, Inputs(**{name: wire(name) for name in WIRES}), None, secured)


def _on_board(file: DoorFile, part: BoardPart, stack: ExitStack) -> Hardware:
    board = ModbusBoard(part.host, part.port, unit=part.unit)

    def wire(name: str) -> Input | None:
        number = getattr(file.inputs, name)
        if number is None:
            return None
        add = board.add_supervised_input if name in file.inputs.supervised else board.add_input
        return add(int(number), active_when_open=name not in _AT_REST_OPEN)

    relay = board.add_relay(int(file.relay.pin))
    secured = None if file.relay.secured is None else board.add_relay(int(file.relay.secured))
    inputs = Inputs(**{name: wire(name) for name in WIRES})
    board.start()
    stack.callback(board.stop)
    return Hardware(relay, inputs, None, secured)


def _reader(part: ReaderPart) -> Reader | None:
    if part.driver == "lines":
        return LineReader(part.host, part.port, numbers=part.numbers) if part.port is not None else None
    if part.driver == "wiegand" and part.data0 is not None and part.data1 is not None:
        return WiegandReader(part.data0, part.data1, numbers=part.numbers)
    device = part.device
    if device is None:
        return None
    if part.driver == "osdp" and part.key_file is not None:
        key = read_key(part.key_file)
        return OsdpReader(SerialChannel(device, part.speed), key, address=part.address, numbers=part.numbers)

    def opened() -> SerialText | KeyboardText:
        return SerialText(device, part.speed) if part.driver == "serial" else KeyboardText(device)

    return TextReader(opened, part.texts)


def _simulated(file: DoorFile) -> Hardware:
    """A door on the bench: its wires are moved through the port (`fire on`, `contact off`), its reader is its own."""
    wires = {name: SimulatedInput() for name in ("exit_button", "fire", "tamper")}
    named = ("contact", "interlock", "passage", "reverse")
    wires |= {name: SimulatedInput() for name in named if getattr(file.inputs, name) is not None}

    def mover(wire: SimulatedInput) -> Callable[[str], str]:
        def move(word: str) -> str:
            if word not in {"on", "off"}:
                return "error say on or off"
            wire.set(word == "on")
            return "done"

        return move

    part = file.reader
    verbs = {name.removesuffix("_button"): mover(wire) for name, wire in wires.items()}
    numbers = part.numbers if part.driver == "lines" else None
    port = LineReader(part.host, part.port, verbs=verbs, numbers=numbers) if part.port is not None else None
    own = _reader(part) if part.driver != "lines" else None
    secured = SimulatedRelay() if file.relay.secured is not None else None
    inputs = Inputs(**wires)
    if isinstance(own, OsdpReader) and file.inputs.tamper is None:
        inputs = _with_tamper(inputs, own)
    readers = [reader for reader in (own, port) if reader is not None]
    reader = SeveralReaders(*readers) if len(readers) > 1 else next(iter(readers), None)
    return Hardware(SimulatedRelay(_recorder(file.relay.record)), inputs, reader, secured)


def _recorder(path: Path | None) -> Callable[[bool], None] | None:
    if path is None:
        return None

    def record(energised: bool) -> None:
        with path.open("a", encoding="ascii") as file:
            file.write(f"{'on' if energised else 'off'} {datetime.now(UTC).isoformat()}\n")

    return record
