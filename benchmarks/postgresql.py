"""A private PostgreSQL cluster for a benchmark: fsync on, default settings, on a socket of its own."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


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
def cluster() -> Iterator[Cluster]:
    """Start a cluster that is gone at the end of the block.

    Raises:
        PostgresqlMissingError: its programs are not installed.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="campusgate-benchmark-"))
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    prefix = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    if prefix:
        shutil.chown(folder, "postgres", "postgres")
    made = Cluster(folder, programs, prefix)
    data, log = str(folder / "data"), str(folder / "log")
    try:
        made.run("initdb", "-D", data, "-U", "campusgate", "-A", "trust", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        made.run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")
        try:
            yield made
        finally:
            made.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        raise PostgresqlMissingError("PostgreSQL is not installed: Debian package `postgresql`")
    return installed[-1].parent
