"""Full disks, read-only, damaged and vanished files: an error that says which, and nothing written."""

import os
import resource
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from database import Base, Database, StorageError
from tests.database.test_engine import Note

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Database]:
    """A database of its own with one row."""
    database = Database(f"sqlite:///{tmp_path / 'server' / 'campusgate.db'}")
    Base.metadata.create_all(database.engine, tables=[Note.__table__])
    write(database)
    yield database
    database.close()


def write(database: Database) -> None:
    with database.begin() as session:
        session.add(Note(at=NOW))


def notes(database: Database) -> int:
    with database.read() as session:
        return session.query(Note).count()


def file_of(database: Database) -> Path:
    return Path(str(database.url.database))


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def test_the_database_and_what_stands_beside_it_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{tmp_path / 'server' / 'campusgate.db'}")
        Base.metadata.create_all(database.engine, tables=[Note.__table__])
        write(database)
        assert modes(tmp_path) == {
            "server": 0o700,
            "campusgate.db": 0o600,
            "campusgate.db-wal": 0o600,
            "campusgate.db-shm": 0o600,
        }
        database.close()
    finally:
        os.umask(before)


def test_a_file_that_others_could_read_is_closed_to_them(kept: Database) -> None:
    kept.close()
    file_of(kept).chmod(0o644)
    again = Database(kept.url)
    write(again)
    assert set(modes(file_of(kept).parent).values()) == {0o600}
    again.close()


def test_a_full_database_is_told_as_full_and_keeps_what_it_had(kept: Database) -> None:
    with kept.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="disk is full") as full:
        for _ in range(200):
            write(kept)
    assert full.value.fault == "full"
    assert notes(kept) >= 1


def test_a_process_that_may_write_no_more_is_told_so(kept: Database) -> None:
    """With a limit of the kernel instead of a disk that would have to be filled."""
    kept.close()
    program = textwrap.dedent(
        """
        import resource, signal, sys
        from datetime import UTC, datetime
        from database import Database, StorageError
        from tests.database.test_engine import Note
        database = Database(sys.argv[1])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
        try:
            for _ in range(2000):
                with database.begin() as session:
                    session.add(Note(at=datetime.now(UTC)))
        except StorageError as error:
            print(error.fault)
        with database.read() as session:
            print(session.query(Note).count() > 0)
        """
    )
    limit = file_of(kept).stat().st_size + 64 * 1024
    command = [sys.executable, "-c", program, str(kept.url), str(limit)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["full", "True"]
    assert notes(kept) >= 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("content", [b"\x00" * 8192, b"no database at all" * 100])
def test_a_damaged_file_is_told_as_damaged_and_stays_as_it_is(kept: Database, content: bytes) -> None:
    kept.close()
    path = file_of(kept)
    path.write_bytes(content)
    database = Database(kept.url)
    with pytest.raises(StorageError, match="campusgate restore") as damaged:
        write(database)
    assert damaged.value.fault == "damaged"
    assert path.read_bytes() == content
    database.close()


def test_a_file_that_vanished_is_not_made_anew(kept: Database) -> None:
    kept.close()
    for path in list(file_of(kept).parent.iterdir()):
        path.unlink()
    with pytest.raises(StorageError, match="file is gone"):
        write(kept)
    assert list(file_of(kept).parent.iterdir()) == []


def test_a_database_that_may_not_be_written_is_told_so(database: Database) -> None:
    if database.is_sqlite:
        with database.engine.connect() as connection, pytest.raises(StorageError, match="cannot be written"):
            connection.exec_driver_sql("PRAGMA query_only = 1")
            connection.close()
            write(database)
        return
    with pytest.raises(StorageError, match="takes no writes"), database.begin() as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        session.execute(text("CREATE TABLE refused (id INTEGER)"))


def test_a_database_server_that_is_away_is_told_so() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/campusgate")
    with pytest.raises(StorageError, match="does not answer") as away:
        notes(database)
    assert away.value.fault == "unreachable"
    database.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_written_into_a_file_that_was_moved_away_under_open_connections(
    kept: Database, replaced: bool
) -> None:
    file, away = file_of(kept), file_of(kept).with_name("away.db")
    for beside in ("", "-wal", "-shm"):
        file.with_name(file.name + beside).rename(away.with_name(away.name + beside))
    if replaced:
        file.touch()
    for use in (write, notes):
        with pytest.raises(StorageError) as raised:
            use(kept)
        assert raised.value.fault == "missing"
    assert file.exists() == replaced
    assert not replaced or file.stat().st_size == 0, "nor into the other one"
    file.unlink(missing_ok=True)
    for beside in ("", "-wal", "-shm"):
        away.with_name(away.name + beside).rename(file.with_name(file.name + beside))
    write(kept)
    assert notes(kept) == 2, "put back, it goes on"
