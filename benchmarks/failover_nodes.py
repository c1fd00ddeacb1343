"""Three nodes of `deploy/ha` on this machine: etcd, Patroni with PostgreSQL, and HAProxy before them."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

_HA = Path(__file__).parent.parent / "deploy" / "ha"
_NAMES = ("one", "two", "three")
_ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
_PROGRAMS = ("etcd", "haproxy", "patroni")
_STARTS_WITHIN_S = 300.0
"""Three clusters are begun, on a machine that may be busy."""


class NodesMissingError(Exception):
    """A program is not installed; the message names it."""


class Nodes:
    """Runs from `start` to `stop`. Each node has an address of its own on the loopback, and the ports of the files."""

    def __init__(self, folder: Path) -> None:
        """Write the files of every node into `folder`.

        Raises:
            NodesMissingError: a program is not on the path.
        """
        if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
            raise NodesMissingError(f"{', '.join(missing)}: not on the path; deploy/ha says where they come from")
        self._folder = folder
        # PostgreSQL refuses to run as root; Debian's package brings a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._password = secrets.token_hex(16)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        if self._user:
            shutil.chown(folder, self._user, self._user)
        (folder / "haproxy.cfg").write_text(self._placed((_HA / "haproxy.cfg").read_text("utf-8"), 0))
        for number, name in enumerate(_NAMES):
            (folder / f".{number}").mkdir()
            if self._user:
                shutil.chown(folder / f".{number}", self._user, self._user)
            (folder / f"{name}.yml").write_text(self._placed((_HA / "patroni.yml").read_text("utf-8"), number))

    @property
    def url(self) -> str:
        """The primary, through HAProxy."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:5000/postgres"

    def start(self) -> None:
        """Start everything, and return when there is a primary with a synchronous standby."""
        for name in _NAMES:
            self.start_etcd(name)
        for name in _NAMES:
            self.start_node(name)
        self.start_balancer()
        until = time.monotonic() + _STARTS_WITHIN_S
        while self.find("sync") is None:
            if time.monotonic() > until:
                raise RuntimeError(f"no cluster came to be; see {self._folder}/*.log")
            time.sleep(0.5)

    def start_etcd(self, name: str) -> None:
        """Start a node's etcd."""
        lines = self._placed((_HA / "etcd.env").read_text("utf-8"), _NAMES.index(name)).splitlines()
        settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        settings["ETCD_INITIAL_CLUSTER"] = ",".join(
            f"{one}=http://{address}:2380" for one, address in zip(_NAMES, _ADDRESSES, strict=True)
        )
        self._run(f"etcd-{name}", ["etcd"], settings)

    def start_node(self, name: str) -> None:
        """Start Patroni of a node, which starts its PostgreSQL."""
        roles = ("SUPERUSER", "REPLICATION", "REWIND")
        passwords = {f"PATRONI_{role}_PASSWORD": self._password for role in roles}
        self._run(f"patroni-{name}", ["patroni", str(self._folder / f"{name}.yml")], passwords)

    def start_balancer(self) -> None:
        """Start HAProxy before the nodes."""
        self._run("haproxy", ["haproxy", "-f", str(self._folder / "haproxy.cfg")], {})

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """Return a process by its name: `haproxy`, `etcd-one`, `patroni-one` and so on."""
        return self._processes[name]

    def find(self, role: str) -> str | None:
        """Return the node of a role: `primary`, or `sync` for the synchronous standby."""
        for name, address in zip(_NAMES, _ADDRESSES, strict=True):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}:8008/{role}", timeout=2):
                return name
        return None

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to Patroni and PostgreSQL of a node, as where its machine dies or stands still."""
        first = self._processes[f"patroni-{name}"].pid
        for process in [first, *_descendants(first), *self._postgres_of(name)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def stop(self) -> None:
        """End everything."""
        for name in (one for one in _NAMES if f"patroni-{one}" in self._processes):
            self.signal(name, signal.SIGCONT)
            self.signal(name, signal.SIGKILL)
        for process in self._processes.values():
            process.kill()
            process.wait()

    def kill_node(self, name: str) -> None:
        """Kill Patroni and PostgreSQL of a node, and return when Patroni is gone."""
        self.signal(name, signal.SIGKILL)
        self._processes[f"patroni-{name}"].wait()

    def _postgres_of(self, name: str) -> list[int]:
        file = self._folder / name / "postmaster.pid"
        try:
            first = int(file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return []
        return [first, *_descendants(first)]

    def _placed(self, text: str, number: int) -> str:
        for before in ("name: ", "ETCD_NAME="):
            text = text.replace(f"{before}one", f"{before}{_NAMES[number]}")
        # The list of all nodes stays in its order; what else names the first is about this one.
        nodes = re.compile(r"10\.0\.0\.([123])(?=:2379[,\]])")
        text = nodes.sub(lambda found: _ADDRESSES[int(found[1]) - 1], text)
        if "listen postgresql" in text:
            text = re.sub(r"10\.0\.0\.([123])", lambda found: _ADDRESSES[int(found[1]) - 1], text)
        text = text.replace("10.0.0.0/24", "127.0.0.0/8").replace("10.0.0.1", _ADDRESSES[number])
        # On one machine they would share a folder of sockets.
        text = text.replace(
            "  data_dir:", f"  parameters: {{unix_socket_directories: '{self._folder}/.{number}'}}\n  data_dir:"
        )
        text = text.replace("/var/lib/postgresql/15/campusgate", str(self._folder / _NAMES[number]))
        return text.replace("/var/lib/etcd/campusgate", str(self._folder / f"etcd-{_NAMES[number]}"))

    def _run(self, name: str, command: list[str], settings: dict[str, str]) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                user=self._user,
                env={**os.environ, "HOME": str(self._folder), **settings},
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )


def _descendants(process: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            words = path.read_text().split()
            parent = int(words[words.index("PPid:") + 1])
            parents.setdefault(parent, []).append(int(words[words.index("Pid:") + 1]))
    found, waiting = list[int](), [process]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
