"""`campusgate controller` as a process that tests stop and kill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests import forked
from tests.keys import key_text
from tests.waiting import PATIENCE_S


class ControllerProcess:
    """A controller that was started."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self._process, self._pipe = process, pipe

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process.pid is not None
        return self._process.pid

    def wait_until_kept(self) -> None:
        """Wait until it says that it keeps the door."""
        assert self._pipe.poll(PATIENCE_S)
        assert "is kept" in self._pipe.recv()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.join()


@contextmanager
def running(folder: Path, *, broker_port: int = 1) -> Iterator[ControllerProcess]:
    """Start the controller of the gate `north` with the folder's `door.toml` and keys; at the end it is killed."""
    settings = {
        "CAMPUSGATE_SITE": "main",
        "CAMPUSGATE_GATE": "north",
        "CAMPUSGATE_DATA_DIR": str(folder / "data"),
        "CAMPUSGATE_MQTT__PORT": str(broker_port),
        "CAMPUSGATE_SERVER_URL": "http://127.0.0.1:1",
        "CAMPUSGATE_CREDENTIAL_KEY": key_text("credentials"),
        "CAMPUSGATE_TEMPLATE_KEY": key_text("templates"),
        "CAMPUSGATE_DEVICE_TOKEN": "token",
        "CAMPUSGATE_TRUSTED_KEYS_FILE": str(folder / "trusted.json"),
        "CAMPUSGATE_SIGNING_KEY_FILE": str(folder / "north.pem"),
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")}
    with forked.command(others | settings, "controller", "--door", folder / "door.toml") as (process, pipe):
        yield ControllerProcess(process, pipe)
