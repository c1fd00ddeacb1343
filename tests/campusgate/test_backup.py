"""A backup of each database, made while somebody writes, and restored into an empty one."""

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from accounts import audit, people
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from campusgate.backup import BackupError, back_up, restore
from campusgate.schema import metadata
from database import Database
from database.migrate import upgrade
from tests.databases import made_database

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def server(database: Database) -> Database:
    """A database as a server leaves it, with a person in it."""
    metadata().drop_all(database.engine)
    upgrade(database)
    enrol(database, "S1")
    return database


@pytest.fixture
def empty(server: Database, tmp_path: Path, request: pytest.FixtureRequest):
    if server.is_sqlite:
        database = Database(f"sqlite:///{tmp_path / 'new.db'}")
        yield database
        database.close()
    else:
        with made_database(request.getfixturevalue("postgresql_url")) as database:
            yield database


def enrol(database: Database, number: str) -> None:
    particulars = people.Particulars(number=number, name="made up", kind=PersonKind.STUDENT, valid_from=NOW)
    with database.begin() as session:
        people.create(session, particulars, by=audit.SYSTEM, now=NOW)


def numbers(database: Database) -> set[str]:
    with database.read() as session:
        return {person.number for person in session.query(Person)}


def test_what_was_there_comes_back_and_its_trail_is_intact(server: Database, empty: Database, tmp_path: Path) -> None:
    file, stop = tmp_path / "campus.backup", threading.Event()

    def write() -> None:
        number = 2
        while not stop.is_set():
            enrol(server, f"S{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    made = back_up(server, file)
    stop.set()
    writer.join()
    assert (made.intact, made.trail_lines > 0, stat.S_IMODE(file.stat().st_mode)) == (True, True, 0o600)
    assert [path.name for path in tmp_path.glob("campus.backup*")] == ["campus.backup"], "nothing is left beside it"
    back = restore(empty, file)
    assert (back.intact, back.schema, back.sha256) == (True, made.schema, made.sha256)
    assert {"S1"} <= numbers(empty) <= numbers(server)
    enrol(empty, "later")


def test_nothing_is_overwritten(server: Database, tmp_path: Path) -> None:
    file = tmp_path / "campus.backup"
    back_up(server, file)
    with pytest.raises(BackupError, match="exists already"):
        back_up(server, file)
    with pytest.raises(BackupError, match="not empty"):
        restore(server, file)


def test_a_changed_trail_is_told(server: Database, tmp_path: Path) -> None:
    with server.engine.begin() as connection:
        if server.is_sqlite:
            for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE audit SET actor = 'nobody' WHERE serial = 1"))
    assert not back_up(server, tmp_path / "campus.backup").intact


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"hello", "is no backup"), (b"PGDMP...", "is a backup of postgres")]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(BackupError, match=complaint):
        restore(database, file)
    with pytest.raises(BackupError, match="cannot be read"):
        restore(database, tmp_path / "nowhere")
    database.close()
