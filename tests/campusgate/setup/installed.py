"""A server that `campusgate setup server` set up in a folder, with its Mosquitto, running."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx

from campusgate.settings import Settings
from tests import forked
from tests.command_line import run
from tests.mosquitto import start_mosquitto
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until


def bare() -> dict[str, str]:
    """An environment without any setting, as a new machine has it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")}


@dataclass(frozen=True)
class Installed:
    """Where it stands."""

    under: Path
    port: int
    broker_port: int

    @property
    def etc(self) -> Path:
        return self.under / "etc" / "campusgate"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.etc / "ca.pem")

    def run(self, *arguments: object, code: int = 0) -> str:
        """Run a command with the server's settings; what it printed."""
        done = run("--env-file", self.etc / "server.env", *arguments, environment=bare())
        assert done.returncode == code, done.stderr
        return done.stdout

    def read_settings(self, name: str = "server") -> dict[str, str]:
        lines = (self.etc / f"{name}.env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def set_up(under: Path, *more: str) -> Installed:
    """Set up a server below the folder, with ports of its own."""
    place = Installed(under, free_port(), free_port())
    done = run(
        *("setup", "server", "--yes", "--under", under, "--name", "127.0.0.1"),
        *("--port", place.port, "--broker-port", place.broker_port, *more),
        environment=bare(),
    )
    assert done.returncode == 0, done.stderr
    models = under / "var" / "cache" / "campusgate"
    models.rmdir()
    models.symlink_to(Settings().cache_dir)
    return place


@contextmanager
def running(place: Installed) -> Iterator[Installed]:
    """Run its broker and its server until the block ends; both answer."""
    broker = start_mosquitto(place.under / "etc" / "mosquitto" / "mosquitto.conf", place.broker_port)
    try:
        with process(place, "--env-file", place.etc / "server.env", "serve") as serve:
            with httpx.Client(base_url=place.url, verify=place.tls()) as client:

                def is_well() -> bool:
                    assert serve.is_alive(), (place.under / "serve.log").read_text()[-4000:]
                    try:
                        answer: dict[str, object] = client.get("/health").json()
                    except httpx.TransportError:
                        return False
                    return answer["status"] == "ok"

                until(is_well, timeout_s=4 * PATIENCE_S)
            yield place
    finally:
        broker.terminate()
        broker.wait(PATIENCE_S)


@contextmanager
def process(place: Installed, *arguments: object) -> Iterator[BaseProcess]:
    """A process of the set-up, as its unit starts it; `imported_rooms` is to have been there before."""
    with forked.command(bare(), *arguments, errors=place.under / f"{arguments[2]}.log") as (started, _):
        try:
            yield started
        finally:
            started.terminate()
            started.join(PATIENCE_S)
