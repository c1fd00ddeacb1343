"""The door's file: every driver from TOML to hardware, and complaints that say what is missing."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from campusgate.door_file import DoorFileError, read_door_file
from campusgate.door_hardware import build
from gate_controller.inputs.gpio import GpioInput
from gate_controller.inputs.told import ToldInput
from gate_controller.modbus_board import ModbusRelay
from gate_controller.readers.texts import TextReader
from gate_controller.readers.wiegand import WiegandReader
from gate_controller.relays.gpio import GpioRelay
from gate_controller.turnstile import TurnstileSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> MockFactory:
    factory = MockFactory()
    monkeypatch.setattr(Device, "pin_factory", factory)
    return factory


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
        hardware = build(file, stack)
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
        hardware = build(file, stack)
        assert isinstance(hardware.relay, ModbusRelay)
        assert isinstance(hardware.reader, TextReader)
        assert isinstance(hardware.inputs.fire, ToldInput)
        assert hardware.inputs.fire.fault == "lost"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [('[relay]\ndriver = "modbus"\npin = 0', r"needs \[board\]"),
     ('[reader]\ndriver = "osdp"\ndevice = "/dev/ttyS0"', "needs key_file"),
     ('[reader]\ndriver = "wiegand"', "data0 and data1"),
     ("[door]\n[turnstile]", "or a"),
     ("[turnstile]", "needs the input passage"),
     ('[inputs]\nfire = 24\nsupervised = ["fire"]', "supervised"),
     ('[board]\nhost = "b"\n[relay]\ndriver = "modbus"\npin = "GPIO17"', "are numbers")],
)  # fmt: skip
def test_complaints_say_what_is_missing(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DoorFileError, match=complaint):
        read_door_file(written(tmp_path, text))


@pytest.mark.parametrize("page", ["gate-controller.md"])
def test_examples_in_the_documentation_are_valid(tmp_path: Path, page: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        read_door_file(written(tmp_path, block))
