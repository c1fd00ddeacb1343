"""Fixtures that every room's tests share: one for each port with several backends."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from database import Base, Database, new_id


def _postgresql_bin() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A private PostgreSQL cluster for this test run, on a socket of its own; removed at the end."""
    if url := os.environ.get("CAMPUSGATE_TEST_POSTGRESQL"):
        yield url
        return
    binaries = _postgresql_bin()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: Debian package `postgresql`")
    folder = Path(tempfile.mkdtemp(prefix="campusgate-pg-"))
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if prefix:
        shutil.chown(folder, "postgres", "postgres")

    def run(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, capture_output=True, cwd=folder)

    data = folder / "data"
    run(str(binaries / "initdb"), "-D", str(data), "-U", "campusgate", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://campusgate@/postgres?host={folder}"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with every table, on each backend in turn."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'campusgate.db'}")
        Base.metadata.create_all(database.engine)
        yield database
        database.close()
        return
    server = Database(request.getfixturevalue("postgresql_url"))
    name = f"test_{new_id().hex}"
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    database = Database(server.url.set(database=name))
    Base.metadata.create_all(database.engine)
    try:
        yield database
    finally:
        database.close()
        with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()
