"""`campusgate doctor` at a reader of meters, a library's gateway, a shower and a screen: their links, and no others."""

import json
from pathlib import Path

import pytest

from campusgate.setup.environment import with_values
from tests.campusgate.setup.installed import Installed
from tests.campusgate.setup.test_doctor import examine
from tests.campusgate.setup.test_gate import make_code, set_up_gate
from tests.campusgate.setup.test_process import machine, set_up

__all__ = ["machine"]


def fill(file: Path, **values: str) -> Path:
    file.write_text(with_values(file.read_text(), {f"CAMPUSGATE_{name}": value for name, value in values.items()}))
    return file


def faults(found: list[dict[str, str]]) -> list[str]:
    return [one["says"] for one in found if one["status"] == "fault"]


def test_a_reader_of_meters_is_examined_with_its_own_token(server: Installed, machine: Path) -> None:
    set_up(machine, "meters", "--server", server.url)
    file = machine / "etc/campusgate/meters.env"
    token = json.loads(server.run("devices", "add", "reader-of-doctor", "meter", "--json"))["token"]
    data = str(machine / "var")
    code, found = examine(fill(file, DEVICE_TOKEN=token, DATA_DIR=data))
    assert (code, faults(found)) == (0, [])
    assert {one["link"] for one in found} == {"settings", "secrets", "folders", "disk", "clock", "server"}
    code, found = examine(fill(file, DEVICE_TOKEN="cgd_of_nobody"))
    assert code == 1
    assert "refuses this reader of meters" in faults(found)[0]
    assert "campusgate devices add reader meter" in faults(found)[0]


def test_a_librarys_gateway_needs_the_server_alone(server: Installed, machine: Path) -> None:
    set_up(machine, "library", "--server", server.url)
    code, found = examine(machine / "etc/campusgate/library.env")
    assert (code, faults(found)) == (0, [])
    assert {one["link"] for one in found} == {"settings", "secrets", "clock", "server"}


@pytest.mark.parametrize("believes", [True, False])
def test_a_shower_must_believe_the_server(server: Installed, machine: Path, believes: bool) -> None:
    name = f"d{believes:d}"
    made = json.loads(set_up(machine, "shower", name, "--json"))
    device = json.loads(server.run("devices", "add", f"shower-{name}", "meter", "--json"))["id"]
    told = json.loads(server.run("setup", "shower", device, made["public_key"], "--under", server.under, "--json"))
    etc = machine / "etc/campusgate"
    values = {variable.removeprefix("CAMPUSGATE_"): value for variable, value in told["variables"].items()}
    file = fill(etc / f"shower-{name}.env", **values, DATA_DIR=str(machine / "var"))
    if believes:
        server.run("keys", "enrol", etc / f"shower-{name}-trusts.json", "server", told["server_key"])
    code, found = examine(file)
    assert [one["says"] for one in found if one["link"] == "broker"][-1] == "lets " + values["MQTT__USERNAME"] + " in"
    if believes:
        assert (code, faults(found)) == (0, [])
    else:
        assert len(faults(found)) == 1
        assert "does not name server, so what it signs is refused; enter its key" in faults(found)[0]


def test_a_screen_is_not_thrown_out_of_the_broker(server: Installed, tmp_path: Path) -> None:
    set_up_gate(server, tmp_path, make_code(server, "screened"), "--camera", "none", "--display")
    code, found = examine(tmp_path / "etc/campusgate/display-screened.env")
    assert (code, faults(found)) == (0, [])
    assert {one["link"] for one in found} == {"settings", "secrets", "clock", "broker"}
    assert [one["says"] for one in found if one["status"] == "skipped"] == [
        "whether it lets display-screened in was not tried: what runs would lose its connection"
    ]
