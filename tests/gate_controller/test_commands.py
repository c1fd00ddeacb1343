"""The commands: broker and controller as real processes, keys, staff actions."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bus.embedded import EmbeddedBroker
from messages import make_private_key, public_key_text, read_private_key
from tests import command_line
from tests.keys import key_text
from tests.waiting import PATIENCE_S, until

SITE = {"CAMPUSGATE_SITE": "main", "CAMPUSGATE_GATE": "north"}


@dataclass
class Campus:
    """A broker, the keys of one gate and its staff, and the environment that names them."""

    folder: Path
    port: int
    environment: dict[str, str]

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return command_line.run(*arguments, environment=self.environment | extra)

    def popen(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "campusgate", *arguments],
            env=self.environment | extra, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    return process.returncode


@pytest.fixture
def campus(tmp_path: Path, unused_port: int) -> Campus:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")} | {
        **SITE,
        "CAMPUSGATE_DATA_DIR": str(tmp_path / "data"),
        "CAMPUSGATE_MQTT__PORT": str(unused_port),
        "CAMPUSGATE_SERVER_URL": "http://127.0.0.1:1",
        "CAMPUSGATE_CREDENTIAL_KEY": key_text("credentials"),
        "CAMPUSGATE_TEMPLATE_KEY": key_text("templates"),
        "CAMPUSGATE_DEVICE_TOKEN": "token",
    }
    campus = Campus(tmp_path, unused_port, environment)
    public = {
        name: public_key_text(make_private_key(tmp_path / f"{name}.pem")) for name in ("north", "staff", "stranger")
    }
    (tmp_path / "trusted.json").write_text(json.dumps({"staff": public["staff"], "controller:north": public["north"]}))
    environment["CAMPUSGATE_TRUSTED_KEYS_FILE"] = str(tmp_path / "trusted.json")
    environment["CAMPUSGATE_SIGNING_KEY_FILE"] = str(tmp_path / "staff.pem")
    return campus


@pytest.fixture
def broker(campus: Campus) -> Iterator[None]:
    process = campus.popen("broker")
    assert process.stdout.readline() == f"listening on 127.0.0.1:{campus.port}\n"
    yield
    assert end(process) == 0


@pytest.fixture
def quick_broker(campus: Campus) -> Iterator[None]:
    """One in this process, where the command that starts one is not what is tested."""
    with EmbeddedBroker(port=campus.port):
        yield


@pytest.fixture
def controller(campus: Campus, broker: None) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = campus.popen(
        "controller", "--relay", "simulated", "--reader-port", "0",
        CAMPUSGATE_SIGNING_KEY_FILE=str(campus.folder / "north.pem"),
    )  # fmt: skip
    line = process.stdout.readline()
    assert "readers on port" in line, process.communicate(timeout=PATIENCE_S)
    yield process, int(line.rsplit(" ", 1)[1])
    if process.poll() is None:
        assert end(process) == 0


def say(port: int, line: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(line.encode() + b"\n")
        return connection.makefile().readline().strip()


def test_staff_open_and_close_a_gate_from_the_command_line(campus: Campus, controller) -> None:
    process, port = controller
    opened = campus.run("gate", "open", "north", "--json")
    assert (opened.returncode, json.loads(opened.stdout)["accepted"]) == (0, True), opened
    assert campus.run("gate", "lockdown", "north").returncode == 0
    refused = campus.run("gate", "open", "north")
    assert (refused.returncode, refused.stderr) == (1, "north: open: door_closed\n")
    assert campus.run("gate", "release", "north").returncode == 0
    assert say(port, "card 04A31B72") == "denied directory_missing"
    assert say(port, "fire on") == "done"
    stranger = campus.run("gate", "open", "north", CAMPUSGATE_SIGNING_KEY_FILE=str(campus.folder / "stranger.pem"))
    assert (stranger.returncode, stranger.stderr) == (1, "north: open: bad_signature\n")
    assert end(process, signal.SIGKILL) == -signal.SIGKILL

    def is_offline() -> bool:
        answer = campus.run("gate", "open", "north")
        return (answer.returncode, answer.stderr) == (1, "north: open: controller_offline\n")

    # The broker must notice first.
    until(is_offline)


def test_keys_are_made_and_shown(campus: Campus) -> None:
    path = campus.folder / "new.pem"
    made = campus.run("keys", "make", str(path))
    assert (made.returncode, made.stdout.strip()) == (0, public_key_text(read_private_key(path)))
    shown = campus.run("keys", "show", str(path), "--json")
    assert json.loads(shown.stdout)["public_key"] == made.stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "extra", "complaint"),
    [
        (["gate", "open", "south"], {}, "gate south of site main has never said how it is"),
        (["gate", "open", "South!"], {}, "cannot stand in a topic"),
        (["gate", "open", "north"], {"CAMPUSGATE_MQTT__PORT": "1"}, "does not answer"),
        (["gate", "open", "north"], {"CAMPUSGATE_SIGNING_KEY_FILE": "/absent"}, "/absent cannot be read"),
        (["broker"], {}, "cannot listen"),
        (["broker", "--port", "0", "--host", "0.0.0.0"], {}, "would let anybody"),
        (["broker", "--port", "0", "--users", "/absent"], {}, "/absent cannot be read"),
        (["controller", "--door", "/absent"], {}, "/absent cannot be read"),
        (["controller", "--relay", "simulated"], {"CAMPUSGATE_CREDENTIAL_KEY": "short"}, "CREDENTIAL_KEY"),
        (["controller"], {"GPIOZERO_PIN_FACTORY": "nothing"}, "relay on pin 17"),
        (["keys", "make", "/absent/folder/key"], {}, "cannot be written"),
        (["messages", "schema", "Nonsense"], {}, "no message is called"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_bad_input_is_one_clear_line(
    campus: Campus, quick_broker: None, arguments: list[str], extra: dict[str, str], complaint: str
) -> None:
    done = campus.run(*arguments, **extra)
    last = done.stderr.strip().splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert last.startswith("campusgate: ")
    assert complaint in last


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("relay = 5", "relay"), ("[relay]\ndriver = 'magic'", "relay.driver"), ("nonsense = [", "not TOML"),
        ("[door]\ngrant_s = 'long'", "door.grant_s"), ("[wires]\n", "wires"),
    ],
)  # fmt: skip
def test_a_wrong_door_file_names_the_field(tmp_path: Path, text: str, complaint: str) -> None:
    from campusgate.settings.door_file import read_door_file
    from gate_controller.door_file import DoorFileError

    path = tmp_path / "door.toml"
    path.write_text(text)
    with pytest.raises(DoorFileError, match=complaint):
        read_door_file(path)


def test_the_door_file_of_the_documentation_is_read(tmp_path: Path) -> None:
    from campusgate.settings.door_file import read_door_file
    from gate_controller.barrier_settings import DoorSettings
    from gate_controller.door_file import DoorFile

    page = (Path(__file__).parents[2] / "docs" / "gate-controller.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    path = tmp_path / "door.toml"
    path.write_text(example)
    file = read_door_file(path)
    assert isinstance(file, DoorFile)
    assert file.door == DoorSettings()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "users"),
        ('{"users": {"a": {}}}', "no password"),
        ('{"users": {"a": {"password": "x", "publish": "#"}}}', "lists"),
    ],
)  # fmt: skip
def test_a_wrong_file_of_users_is_explained(tmp_path: Path, text: str, complaint: str) -> None:
    from bus import UsersFileError, read_users

    path = tmp_path / "users.json"
    path.write_text(text)
    path.chmod(0o644)
    with pytest.raises(UsersFileError, match="chmod 600"):
        read_users(path)
    path.chmod(0o600)
    with pytest.raises(UsersFileError, match=complaint):
        read_users(path)
