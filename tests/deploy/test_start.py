"""Server, controller and edge start from the example files, each with every variable of its example."""

import base64
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from campusgate.settings import Settings
from tests.certificates import make_authority
from tests.command_line import run
from tests.deploy.broker import DEPLOY, mosquitto_as_shipped
from tests.notify_socket import notify_socket
from tests.ports import free_port
from tests.waiting import PATIENCE_S

USERS = ("server", "server-orders", "controller-north", "edge-north")
DOOR = '[relay]\ndriver = "simulated"\n\n[reader]\nport = 0\n'


class Machine:
    """One folder in place of /etc/campusgate, /var/lib/campusgate and the network of a campus."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.etc = folder, folder / "etc"
        self.etc.mkdir(parents=True)
        self.broker_port, self.server_port = free_port(), free_port()
        self.passwords = {name: secrets.token_urlsafe(18) for name in USERS}
        self.metrics_token = secrets.token_urlsafe(18)
        self._places = {
            "/etc/campusgate": str(self.etc),
            "/var/lib/campusgate": str(folder / "state"),
            "/var/cache/campusgate": str(cache),
            "https://campusgate.example.edu": f"http://127.0.0.1:{self.server_port}",
            "broker.example.edu": "127.0.0.1",
            "8883": str(self.broker_port),
        }
        self._credential_key = new_key()

    def write_env(self, name: str, given: Mapping[str, str]) -> Path:
        """Write the example `name` with every empty variable filled, as its reader would; returns the file."""
        fill = {
            "CAMPUSGATE_CREDENTIAL_KEY": self._credential_key,
            "CAMPUSGATE_TEMPLATE_KEY": new_key(),
            "CAMPUSGATE_TOKEN_SECRET": new_key(),
            "CAMPUSGATE_PASSWORD_KEY": new_key(),
            "CAMPUSGATE_METRICS_TOKEN": self.metrics_token,
            "CAMPUSGATE_DATABASE_URL": f"sqlite:///{self.folder / 'state' / 'server' / 'campus.db'}",
            **given,
        }
        lines = []
        for line in (DEPLOY / f"{name}.env.example").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                variable, value = line.split("=", 1)
                for there, here in self._places.items():
                    value = value.replace(there, here)
                lines.append(f"{variable}={given.get(variable) or value or fill.get(variable, '')}")
        file = self.etc / f"{name}.env"
        file.write_text("\n".join([*lines, f"CAMPUSGATE_SERVER_PORT={self.server_port}", ""]))
        file.chmod(0o600)
        return file

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "campusgate", *arguments]

    def ask(self, *arguments: str) -> str:
        """Run a command to its end; returns what it printed."""
        done = run(*arguments, environment=bare())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def running(self, *arguments: str, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
        log = self.folder / f"{arguments[2]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(*arguments), env={**bare(), **variables}, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield process
        except BaseException:
            print(log.read_text(errors="replace")[-4000:])  # noqa: T201 (pytest shows it with the failure)
            raise
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def bare() -> dict[str, str]:
    """An environment without any setting, as a unit has it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")}


def wait_for(what: Callable[[], bool], *processes: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 4 * PATIENCE_S
    while not what():
        ended = [process.args for process in processes if process.poll() is not None]
        assert not ended, f"ended: {ended}"
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


@pytest.mark.usefixtures("model_store")
def test_everything_starts_with_every_variable_of_the_examples(tmp_path: Path, photographs: dict[str, Path]) -> None:
    machine = Machine(tmp_path, Settings().cache_dir)
    authority = make_authority(tmp_path / "authority", "campus")
    (machine.etc / "ca.pem").write_bytes(authority.ca_file.read_bytes())
    (machine.etc / "door-north.toml").write_text(DOOR)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("wang", "stranger"):
        (pictures / f"{name}.jpg").write_bytes(photographs[name].read_bytes())

    passwords = {
        "CAMPUSGATE_MQTT__PASSWORD": machine.passwords["server"],
        "CAMPUSGATE_MQTT__ORDERS_PASSWORD": machine.passwords["server-orders"],
    }
    server_env = machine.write_env("server", passwords)
    keys = {name: make_key(machine, name) for name in ("staff", "controller-north", "edge-north")}
    trusts = Path(read_settings(server_env)["CAMPUSGATE_TRUSTED_KEYS_FILE"])
    trusts.parent.mkdir(parents=True)
    enrol(machine, str(trusts), "controller:north", keys["controller-north"])
    enrol(machine, "controller-north-trusts.json", "edge:north", keys["edge-north"], "--action", "open")
    enrol(machine, "controller-north-trusts.json", "staff", keys["staff"])
    enrol(machine, "edge-north-trusts.json", "controller:north", keys["controller-north"])

    with ExitStack() as stack:
        # One for all questions: to make it takes longer than an answer.
        client = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{machine.server_port}", timeout=PATIENCE_S)
        )
        stack.enter_context(
            mosquitto_as_shipped(tmp_path / "broker", machine.broker_port, authority, machine.passwords)
        )
        heard = {name: stack.enter_context(notify_socket()) for name in ("serve", "controller", "edge")}
        told = {name: {"NOTIFY_SOCKET": peer.address} for name, peer in heard.items()}
        serve = stack.enter_context(machine.running("--env-file", str(server_env), "serve", **told["serve"]))
        wait_for(lambda: answers(client, "/health").get("status") == "ok", serve)
        in_server = ("--env-file", str(server_env))
        machine.ask(*in_server, "gates", "add", "north", "--group", "residents")
        tokens = {
            role: machine.ask(*in_server, "devices", "add", f"north-{role}", role, "--gate", "north")
            for role in ("controller", "edge")
        }
        envs = {
            role: machine.write_env(
                role,
                {
                    "CAMPUSGATE_MQTT__PASSWORD": machine.passwords[f"{role}-north"],
                    "CAMPUSGATE_DEVICE_TOKEN": tokens[role],
                }
                | ({"CAMPUSGATE_CAMERA": str(pictures)} if role == "edge" else {}),
            )
            for role in tokens
        }
        door = str(machine.etc / "door-north.toml")
        controller = stack.enter_context(
            machine.running("--env-file", str(envs["controller"]), "controller", "--door", door, **told["controller"])
        )
        edge = stack.enter_context(machine.running("--env-file", str(envs["edge"]), "edge", **told["edge"]))
        wait_for(lambda: online(client, machine) == {"controller": 1.0, "edge": 1.0}, serve, controller, edge)
        for peer in heard.values():
            # As their units want it, before the processes count as started.
            peer.wait_for("READY=1", "WATCHDOG=1")


def read_settings(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines() if line)


def make_key(machine: Machine, name: str) -> str:
    return str(json.loads(machine.ask("keys", "make", str(machine.etc / f"{name}.pem"), "--json"))["public_key"])


def enrol(machine: Machine, file: str, sender: str, key: str, *options: str) -> None:
    machine.ask("keys", "enrol", str(machine.etc / file), sender, key, *options)


def answers(client: httpx.Client, path: str) -> dict[str, object]:
    try:
        answer: dict[str, object] = client.get(path).json()
    except httpx.TransportError:
        return {}
    return answer


def online(client: httpx.Client, machine: Machine) -> dict[str, float]:
    """What /metrics says of the processes of gate `north`."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {machine.metrics_token}"})
    assert answer.status_code == 200
    rows = [line for line in answer.text.splitlines() if line.startswith('campusgate_gate_online{gate="north"')]
    return {row.split('process="')[1].split('"')[0]: float(row.rpartition(" ")[2]) for row in rows}


@pytest.mark.usefixtures("model_store")
@pytest.mark.parametrize(
    "missing", ["CAMPUSGATE_TRUSTED_KEYS_FILE", "CAMPUSGATE_SIGNING_KEY_FILE", "CAMPUSGATE_MQTT__CA_FILE"]
)
def test_a_server_without_one_of_its_files_says_which_in_one_line(tmp_path: Path, missing: str) -> None:
    machine = Machine(tmp_path, Settings().cache_dir)
    (machine.etc / "ca.pem").write_bytes(make_authority(tmp_path / "authority", "campus").ca_file.read_bytes())
    trusts = tmp_path / "state" / "server" / "trusts.json"
    trusts.parent.mkdir(parents=True)
    trusts.write_text("{}")
    make_key(machine, "staff")
    passwords = {"CAMPUSGATE_MQTT__PASSWORD": new_key(), "CAMPUSGATE_MQTT__ORDERS_PASSWORD": new_key()}
    env = machine.write_env("server", {**passwords, missing: "/nowhere/it.is"})
    result = run("--env-file", env, "serve", environment=bare())
    assert result.returncode == 2
    assert "/nowhere/it.is" in result.stderr
    assert len(result.stderr.splitlines()) == 1
