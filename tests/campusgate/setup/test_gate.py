"""`campusgate setup gate`: from a code at the server to a gate that opens, and nobody between gets anything."""

import json
import shutil
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from access.gate_setup import ServerKey, SetupCode, make_server_key
from tests.campusgate.setup.installed import Installed, bare, process
from tests.command_line import run
from tests.served import served
from tests.waiting import PATIENCE_S, until


def make_code(server: Installed, gate: str, *more: str) -> str:
    return json.loads(server.run("setup", "gate", gate, "--under", server.under, "--json", *more))["code"]


def set_up_gate(server: Installed, folder: Path, code: str, *more: object, code_expected: int = 0) -> str:
    given = ("--code", code, "--server", server.url, "--under", folder, *more)
    done = run("setup", "gate", *given, environment=bare())
    assert done.returncode == code_expected, done.stderr
    return done.stderr if code_expected else done.stdout


@pytest.fixture(scope="package")
def north(server: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gate's computer that was set up, with a camera that shows nobody."""
    folder = tmp_path_factory.mktemp("north")
    pictures = folder / "no one"
    pictures.mkdir()
    set_up_gate(server, folder, make_code(server, "north", "--group", "residents"), "--camera", pictures, "--display")
    return folder


def test_a_gate_opens_after_two_commands(server: Installed, north: Path) -> None:
    etc = north / "etc" / "campusgate"
    place = Installed(north, 0, 0)
    with process(place, "--env-file", etc / "controller-north.env", "controller", "--door", etc / "door-north.toml"):
        staff = ("--env-file", server.etc / "staff.env", "gate", "open", "north")

        def opens() -> bool:
            return run(*staff, environment=bare()).stdout == "north: open: done\n"

        until(opens, timeout_s=2 * PATIENCE_S)


def test_the_gates_devices_follow_the_server_by_the_campuss_own_authority(server: Installed, north: Path) -> None:
    for role in ("controller", "edge"):
        settings = dotenv_values(north / f"etc/campusgate/{role}-north.env", interpolate=False)
        assert settings["CAMPUSGATE_SERVER_CA_FILE"] == str(north / "etc/campusgate/ca.pem")
        answer = httpx.get(
            f"{server.url}/api/v1/directory/gates/north/changes?revision=0&view=cards",
            headers={"Authorization": f"Bearer {settings['CAMPUSGATE_DEVICE_TOKEN']}"},
            verify=server.tls(),
        )
        assert answer.status_code == 200, answer.text


def test_edge_controller_and_screen_have_settings_keys_and_units_of_their_own(north: Path) -> None:
    etc = north / "etc" / "campusgate"
    assert {file.name for file in etc.iterdir()} == {
        "ca.pem", "controller-north.env", "controller-north.pem", "controller-north-trusts.json", "display-north.env",
        "door-north.toml", "edge-north.env", "edge-north.pem", "edge-north-trusts.json",
    }  # fmt: skip
    units = {file.name for file in (north / "etc/systemd/system").iterdir()}
    assert units == {f"campusgate-{role}@.service" for role in ("controller", "edge", "display")}
    trusted = json.loads((etc / "controller-north-trusts.json").read_text())
    assert set(trusted) == {"staff", "edge:north"}
    assert trusted["edge:north"]["actions"] == ["open", "deny"]
    believed = json.loads((etc / "edge-north-trusts.json").read_text())
    assert set(believed) == {"controller:north", "staff"}
    assert believed["staff"] == trusted["staff"]
    keys = [dotenv_values(etc / f"{role}-north.env")["CAMPUSGATE_TEMPLATE_KEY"] for role in ("controller", "edge")]
    assert keys[0] != keys[1]


def test_a_gate_that_has_a_computer_is_not_cut_off_by_mistake(server: Installed, north: Path) -> None:
    done = run("setup", "gate", "north", "--under", server.under, environment=bare())
    assert done.returncode == 2
    assert "--again" in done.stderr


def test_the_computer_in_its_place_keeps_the_wiring_and_what_is_on_the_disk(server: Installed, tmp_path: Path) -> None:
    set_up_gate(server, tmp_path, make_code(server, "south"), "--camera", "none", "--relay-pin", "17")
    door = tmp_path / "etc/campusgate/door-south.toml"
    assert "pin = 17" in door.read_text()
    door.write_text("# an installer's\n")
    file = tmp_path / "etc/campusgate/controller-south.env"
    before = dotenv_values(file)
    set_up_gate(server, tmp_path, make_code(server, "south", "--again"), "--camera", "none")
    after = dotenv_values(file)
    assert door.read_text() == "# an installer's\n"
    assert before["CAMPUSGATE_TEMPLATE_KEY"] == after["CAMPUSGATE_TEMPLATE_KEY"]
    assert before["CAMPUSGATE_DEVICE_TOKEN"] != after["CAMPUSGATE_DEVICE_TOKEN"]
    assert before["CAMPUSGATE_MQTT__PASSWORD"] != after["CAMPUSGATE_MQTT__PASSWORD"]


def test_a_code_works_once(server: Installed, tmp_path: Path) -> None:
    code = make_code(server, "east")
    set_up_gate(server, tmp_path / "first", code, "--camera", "none")
    said = set_up_gate(server, tmp_path / "second", code, "--camera", "none", code_expected=2)
    assert "make a new one at the server (setup_code_spent)" in said
    assert not list((tmp_path / "second").rglob("*.env"))


class _ManInTheMiddle(BaseHTTPRequestHandler):
    """Shows a key of its own, and hears what is sent to it."""

    heard: list[bytes]

    def do_GET(self) -> None:
        key = make_server_key(b"m" * 32).public_key().public_bytes_raw()
        self._answer(ServerKey(public_key=key).model_dump_json().encode())

    def do_POST(self) -> None:
        self.heard.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_somebody_between_hears_nothing_and_gives_nothing(server: Installed, tmp_path: Path) -> None:
    code = make_code(server, "west")
    _ManInTheMiddle.heard = []
    with served(HTTPServer(("127.0.0.1", 0), _ManInTheMiddle)) as between:
        given = ("--code", code, "--server", f"http://127.0.0.1:{between.server_port}", "--under", tmp_path)
        done = run("setup", "gate", *given, "--camera", "none", environment=bare())
    assert done.returncode == 2
    assert "somebody stands between: nothing was sent" in done.stderr
    assert _ManInTheMiddle.heard == []
    set_up_gate(server, tmp_path, code, "--camera", "none")


@pytest.mark.parametrize(
    ("code", "url", "said"),
    [
        ("AAAA", "https://127.0.0.1:1", "a whole one has 52"),
        ("", "http://gates.example", "in clear"),
        ("", "gates.example", "https://campusgate.example.edu"),
        ("", "https://127.0.0.1:1", "does not answer"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, code: str, url: str, said: str) -> None:
    given = ("--code", code or SetupCode.make(bytes(32)), "--server", url, "--under", tmp_path, "--camera", "none")
    done = run("setup", "gate", *given, environment=bare())
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cameras_password_is_not_for_the_command_line(tmp_path: Path) -> None:
    given = ("--code", SetupCode.make(bytes(32)), "--server", "https://127.0.0.1:1", "--under", tmp_path)
    done = run("setup", "gate", *given, "--camera", "rtsp://user:word@camera/1", environment=bare())
    assert done.returncode == 2
    assert "CAMPUSGATE_CAMERA" in done.stderr
    assert "word@" not in done.stderr


def test_name_and_code_are_two_halves_of_one_way(tmp_path: Path) -> None:
    done = run("setup", "gate", "--under", tmp_path, environment=bare())
    assert done.returncode == 2
    assert "at the server name the gate" in done.stderr


def test_without_the_brokers_files_no_code_is_made(server: Installed, tmp_path: Path) -> None:
    elsewhere = tmp_path / "etc" / "campusgate"
    elsewhere.mkdir(parents=True)
    shutil.copy(server.etc / "server.env", elsewhere)
    done = run("setup", "gate", "annex", "--under", tmp_path, environment=bare())
    assert done.returncode == 2
    assert "where `campusgate setup server` was run" in done.stderr
