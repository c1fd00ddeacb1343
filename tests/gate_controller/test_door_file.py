"""The door's file: every driver from TOML to hardware, and complaints that say what is missing."""

import os
import pty
import queue
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from campusgate.settings.door_file import read_door_file
from gate_controller.barrier_settings import TurnstileSettings
from gate_controller.boards.modbus_client import ModbusRelay
from gate_controller.boards.registry import BOARDS
from gate_controller.door_file import DoorFile, DoorFileError
from gate_controller.door_hardware import open_hardware
from gate_controller.inputs.gpio import GpioInput
from gate_controller.inputs.reported import ReportedInput
from gate_controller.readers import ReaderError
from gate_controller.readers.osdp import OsdpReader
from gate_controller.readers.registry import READERS, ReaderDriver, ReaderTable
from gate_controller.readers.simulated import SimulatedReader
from gate_controller.readers.texts import TextReader
from gate_controller.readers.wiegand import WiegandReader
from gate_controller.relays.gpio import GpioRelay
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> MockFactory:
    factory = MockFactory()
    monkeypatch.setattr(Device, "pin_factory", factory)
    return factory


@pytest.fixture
def terminal() -> Iterator[Path]:
    """A device that nobody writes to."""
    here, there = pty.openpty()
    yield Path(os.ttyname(there))
    os.close(here)
    os.close(there)


def written(folder: Path, text: str) -> Path:
    path = folder / "door.toml"
    path.write_text(text)
    return path


def test_a_door_on_pins(tmp_path: Path, pins: MockFactory) -> None:
    file = read_door_file(
        written(
            tmp_path,
            "[relay]\nsecured = 18\n[inputs]\ncontact = 22\nexit_button = 23\ninterlock = 24\n"
            '[reader]\ndriver = "wiegand"\ndata0 = 5\ndata1 = 6',
        )
    )
    with ExitStack() as stack:
        hardware = open_hardware(file, stack)
        assert isinstance(hardware.relay, GpioRelay)
        assert isinstance(hardware.secured, GpioRelay)
        assert isinstance(hardware.reader, WiegandReader)
        assert isinstance(hardware.inputs.contact, GpioInput)
        # Nothing is connected: loops that are closed at rest are open, a button is not pressed.
        assert [hardware.inputs.contact.active, hardware.inputs.interlock.active] == [True, True]
        assert not hardware.inputs.exit_button.active
        assert hardware.inputs.fire is None
        hardware.reader.stop()
        hardware.inputs.close()
        hardware.relay.close()
        hardware.secured.close()


def test_a_turnstile_on_a_board_that_is_not_there_yet(tmp_path: Path, unused_port: int) -> None:
    text = f"""
    [board]
    host = "127.0.0.1"
    port = {unused_port}
    [relay]
    driver = "modbus"
    pin = 0
    [inputs]
    passage = 1
    reverse = 2
    fire = 0
    supervised = ["fire"]
    [turnstile]
    pass_s = 6.0
    [reader]
    driver = "serial"
    device = "/dev/null"
    """
    file = read_door_file(written(tmp_path, text))
    assert file.settings == TurnstileSettings(pass_s=6.0)
    with ExitStack() as stack:
        hardware = open_hardware(file, stack)
        assert isinstance(hardware.relay, ModbusRelay)
        assert isinstance(hardware.reader, TextReader)
        assert isinstance(hardware.inputs.fire, ReportedInput)
        assert hardware.inputs.fire.fault == "lost"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [('[relay]\ndriver = "modbus"\npin = 0', r"needs \[board\]"),
     ('[reader]\ndriver = "osdp"\ndevice = "/dev/ttyS0"', "needs key_file"),
     ('[reader]\ndriver = "wiegand"', "data0 and data1"),
     ('[reader]\ndriver = "wiegand"\ndata0 = 5\ndata1 = 6\nframe = "pause"', "'wiegand' has no frame"),
     ('[reader]\nport = 1\nreads = "codes"', "'lines' has no reads"),
     ('[reader]\ndriver = "magic"', "reader.driver: .*no driver 'magic' of readers"),
     ('[relay]\ndriver = "magic"', "relay.driver: .*no driver 'magic' of relays"),
     ("[reader]\nbits = 20", "bits"),
     ("[reader]\nbits = 33", "bits"),
     ("[door]\n[turnstile]", "or a"),
     ("[turnstile]", "needs the input passage"),
     ('[inputs]\nfire = 24\nsupervised = ["fire"]', "supervised"),
     ('[board]\nhost = "b"\n[relay]\ndriver = "modbus"\npin = "GPIO17"', "are numbers")],
)  # fmt: skip
def test_complaints_say_what_is_missing(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DoorFileError, match=complaint):
        read_door_file(written(tmp_path, text))


def on_a_line(folder: Path, terminal: Path, rest: str) -> DoorFile:
    key = folder / "reader.key"
    key.write_text("0102030405060708090A0B0C0D0E0F10")
    key.chmod(0o600)
    return read_door_file(
        written(folder, f'{rest}\n[reader]\ndriver = "osdp"\ndevice = "{terminal}"\nkey_file = "{key}"')
    )


def test_a_bench_keeps_its_own_reader_beside_the_port_that_moves_its_wires(tmp_path: Path, terminal: Path) -> None:
    file = on_a_line(tmp_path, terminal, '[relay]\ndriver = "simulated"')
    with ExitStack() as stack:
        alone = open_hardware(file, stack)
        assert isinstance(alone.reader, OsdpReader)
        assert alone.inputs.tamper is alone.reader.tamper
        both = open_hardware(file.model_copy(update={"reader": file.reader.model_copy(update={"port": 0})}), stack)
    own, port = both.reader.readers
    assert isinstance(own, OsdpReader)
    read: queue.Queue[object] = queue.Queue()
    both.reader.start(read.put)
    with socket.create_connection(("127.0.0.1", port.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"fire on\n")
        assert connection.makefile().readline() == "done\n"
    assert both.inputs.fire.active
    both.reader.stop()


def test_a_bench_reads_as_its_reader_is_set(tmp_path: Path, terminal: Path) -> None:
    text = f'[relay]\ndriver = "simulated"\n[reader]\ndriver = "serial"\ndevice = "{terminal}"\nbase = 10'
    with ExitStack() as stack:
        reader = open_hardware(read_door_file(written(tmp_path, text)), stack).reader
    assert isinstance(reader, TextReader)
    assert reader._format.numbers.parse_text("0077798258") == "04A31B72"


def test_a_real_door_has_no_port_beside_its_reader(tmp_path: Path, terminal: Path, pins: MockFactory) -> None:
    file = on_a_line(tmp_path, terminal, "")
    file = file.model_copy(update={"reader": file.reader.model_copy(update={"port": 9100})})
    with ExitStack() as stack, pytest.raises(ReaderError, match="take the port away"):
        open_hardware(file, stack)


def test_the_documentation_names_every_driver() -> None:
    page = (ROOT / "docs" / "gate-controller.md").read_text(encoding="utf-8")
    assert [name for name in READERS if f"| `{name}` |" not in page] == []
    assert [name for name in BOARDS if f'driver = "{name}"' not in page and f'or "{name}"' not in page] == []


def test_a_further_driver_needs_only_its_place_in_the_registry(tmp_path: Path, monkeypatch) -> None:
    opened: list[ReaderTable] = []

    def open_reader(options: ReaderTable) -> SimulatedReader:
        opened.append(options)
        return SimulatedReader()

    driver = ReaderDriver(open=open_reader, needs=("device",), heeds=("prefix",))
    monkeypatch.setattr("gate_controller.readers.registry.READERS", READERS | {"further": driver})
    monkeypatch.setattr("gate_controller.door_hardware.READERS", READERS | {"further": driver})
    text = '[relay]\ndriver = "simulated"\n[reader]\ndriver = "further"\n'
    with pytest.raises(DoorFileError, match="needs device"):
        read_door_file(written(tmp_path, text))
    file = read_door_file(written(tmp_path, f'{text}device = "/dev/further"\nprefix = "x"'))
    with ExitStack() as stack:
        assert isinstance(open_hardware(file, stack).reader, SimulatedReader)
    assert opened == [file.reader]


@pytest.mark.parametrize("page", ["gate-controller.md"])
def test_examples_in_the_documentation_are_valid(tmp_path: Path, page: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        read_door_file(written(tmp_path, block))
