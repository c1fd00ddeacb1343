"""The controller stopped (SIGSTOP) while cards are shown, as a process that hangs: real readers, a real process."""

import json
import os
import pty
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from campusgate.demo.osdp_peer import SPEED, SoftwareReader
from gate_controller.readers.freshness import STALE_S
from messages import make_private_key, public_key_text
from tests.gate_controller.controller_process import running
from tests.waiting import until

KEY = bytes(range(1, 17))
CARD = "04A31B72"


class Line:
    """A reader that types on a serial line."""

    def __init__(self) -> None:
        self._here, self._there = pty.openpty()
        self.settings = f'driver = "serial"\ndevice = "{os.ttyname(self._there)}"'

    def show(self) -> None:
        os.write(self._here, f"{CARD}\r\n".encode())

    def close(self) -> None:
        os.close(self._here)
        os.close(self._there)


class Osdp:
    """An OSDP reader."""

    def __init__(self, folder: Path) -> None:
        key_file = folder / "reader.key"
        key_file.touch(mode=0o600)
        key_file.write_text(KEY.hex())
        self._reader = SoftwareReader(KEY)
        self._reader.start()
        self.settings = f'driver = "osdp"\ndevice = "{self._reader.path}"\nspeed = {SPEED}\nkey_file = "{key_file}"'

    def show(self) -> None:
        assert self._reader.present_card(CARD)

    def close(self) -> None:
        self._reader.stop()


class Network:
    """An adapter that connects for each card."""

    def __init__(self, port: int) -> None:
        self.settings, self._port = f"port = {port}", port
        self._connections: list[socket.socket] = []

    def show(self) -> None:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.sendall(f"card {CARD}\n".encode())
        self._connections.append(connection)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


@pytest.fixture(params=["serial", "osdp", "lines"])
def reader(request, tmp_path: Path, unused_port: int) -> Iterator[Line | Osdp | Network]:
    made: dict[str, Callable[[], Line | Osdp | Network]] = {
        "serial": Line, "osdp": lambda: Osdp(tmp_path), "lines": lambda: Network(unused_port)
    }  # fmt: skip
    with closing(made[request.param]()) as reader:
        yield reader


@pytest.mark.usefixtures("imported_rooms")
def test_a_card_shown_while_the_process_was_stopped_is_dropped(reader, tmp_path: Path) -> None:
    (tmp_path / "door.toml").write_text(f'[relay]\ndriver = "simulated"\n[reader]\n{reader.settings}\n')
    public = public_key_text(make_private_key(tmp_path / "north.pem"))
    (tmp_path / "trusted.json").write_text(json.dumps({"staff": public}))
    with running(tmp_path) as controller:
        controller.wait_until_kept()

        def is_read() -> bool:
            # Until an OSDP reader is up its cards are dropped.
            reader.show()
            time.sleep(0.5)
            return told(tmp_path, "access_denied") > 0

        until(is_read)
        read, dropped = told(tmp_path, "access_denied"), told(tmp_path, "readings_dropped")
        os.kill(controller.pid, signal.SIGSTOP)
        until(lambda: stands_still(controller.pid))
        reader.show()
        time.sleep(STALE_S + 1)
        os.kill(controller.pid, signal.SIGCONT)
        until(lambda: told(tmp_path, "readings_dropped") > dropped)
        assert told(tmp_path, "access_denied") == read
        until(lambda: reader.show() or time.sleep(0.5) or told(tmp_path, "access_denied") > read)


def stands_still(process: int) -> bool:
    tasks = Path(f"/proc/{process}/task").glob("*/stat")
    return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def told(folder: Path, kind: str) -> int:
    """How many events of a kind wait for a server that is not there."""
    with closing(sqlite3.connect(folder / "data" / "controller" / "north" / "outbox.db", timeout=10)) as outbox:
        rows = outbox.execute("SELECT payload FROM entries").fetchall()
    return [json.loads(payload)["kind"] for (payload,) in rows].count(kind)
