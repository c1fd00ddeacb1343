"""PostgreSQL clusters of tests and benchmarks, each with a socket of its own and gone at the end."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

FORGETFUL = {
    "max_connections": "60", "fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
    "max_wal_size": "256MB",
}  # fmt: skip
"""Settings of a cluster that is quick because it keeps nothing."""


_GONE_WITHIN_S = 30.0


class PostgresqlMissingError(Exception):
    """PostgreSQL's programs are not on this machine."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster: its folder, its programs, and how to run them as its owner."""

    folder: Path
    programs: Path
    prefix: tuple[str, ...]

    def url(self, name: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://campusgate@/{name}?host={self.folder}"

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "start")

    def kill(self) -> None:
        """End it at once, as a machine does that loses its power."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def kill_processes(self) -> None:
        """Kill each of its processes (SIGKILL), and return when none runs; what was acknowledged is on disk.

        Raises:
            TimeoutError: one does not end.
        """
        first = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        # It stands still first, so that it begins none meanwhile.
        os.kill(first, signal.SIGSTOP)
        processes = [first, *_children(first)]
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        until = time.monotonic() + _GONE_WITHIN_S
        # Also of one that nobody has waited for yet the next start says that it runs.
        while any(Path(f"/proc/{process}").exists() for process in processes):
            if time.monotonic() > until:
                raise TimeoutError("a process of PostgreSQL does not end")
            time.sleep(0.02)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes stand still: what is sent to them is taken, and nothing is answered."""
        first = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)
        stopped = [first, *_children(first)]
        for process in stopped[1:]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(stopped):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def create(self, name: str) -> str:
        """Make a database and return its address."""
        self.run("createdb", "-h", str(self.folder), "-U", "campusgate", name)
        return self.url(name)

    def pgbench(self, *, clients: int, seconds: float) -> float:
        """Return the transactions per second of pgbench's TPC-B-like script at scale 10."""
        where = ("-h", str(self.folder), "-U", "campusgate")
        self.create("pgbench")
        self.run("pgbench", *where, "-i", "-q", "-s", "10", "pgbench")
        told = self.run(
            "pgbench",
            *where,
            "-c",
            str(clients),
            "-j",
            "2",
            "-T",
            str(max(1, round(seconds))),
            "-M",
            "prepared",
            "pgbench",
        )
        found = re.search(r"tps = ([0-9.]+)", told)
        if found is None:
            raise RuntimeError(f"pgbench said: {told}")
        return float(found[1])

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs and return what it says."""
        command = [*self.prefix, str(self.programs / program), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, cwd=self.folder, text=True)
        return done.stdout


@contextmanager
def cluster(settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Start a cluster that is gone at the end of the block; without settings, one that keeps what it is given.

    Raises:
        PostgresqlMissingError: its programs are not installed.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="campusgate-pg-"))
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    prefix = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    if prefix:
        shutil.chown(folder, "postgres", "postgres")
    made = Cluster(folder, programs, prefix)
    data = str(folder / "data")
    given = {"listen_addresses": "", "unix_socket_directories": str(folder), **(settings or {})}
    kept = given.get("fsync") != "off"
    try:
        made.run(
            "initdb", "-D", data, "-U", "campusgate", "-A", "trust", "-E", "UTF8", *([] if kept else ["--no-sync"])
        )
        with (folder / "data/postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in given.items())
        made.start()
        try:
            yield made
        finally:
            made.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            number, _, figures = path.read_text(encoding="utf-8").rpartition(")")
            if int(figures.split()[1]) == process:
                found.append(int(number.split()[0]))
    return found


def _programs() -> Path:
    # Debian does not put them on the path.
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        raise PostgresqlMissingError("PostgreSQL is not installed: Debian package `postgresql`")
    return installed[-1].parent
