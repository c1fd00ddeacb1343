"""`campusgate controller` as a process that tests stop and kill, forked from one that has imported what it needs.

As a process of its own it would import for two seconds each time before it does anything that a test is about.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

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
    command = ["campusgate", "controller", "--door", str(folder / "door.toml")]
    with forked.running(_run, command, others | settings) as (process, pipe):
        controller = ControllerProcess(process, pipe)
        try:
            yield controller
        finally:
            controller.kill()


def _run(pipe: Connection, command: list[str], environment: dict[str, str]) -> None:
    from campusgate.cli import main

    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123 - no path of ours
        redirect_stderr(nowhere),
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", command),
        redirect_stdout(_Told(pipe)),
    ):
        main()


class _Told(io.TextIOBase):
    """Sends what is written through a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # as Click tries
            raise TypeError
        if text:
            self._pipe.send(text)
        return len(text)
