import sys
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import MetaData
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, Database, DatabaseBusyError, engine, new_id


class Apart(Base):
    """Tables of tests, which are none of the server's."""

    __abstract__ = True
    metadata = MetaData()


class Note(Apart):
    __tablename__ = "test_notes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]


@pytest.fixture
def database(database: Database) -> Database:
    """The database with a table of notes."""
    Apart.metadata.create_all(database.engine)
    return database


def test_a_time_comes_back_in_utc_whatever_zone_it_went_in_with(database: Database) -> None:
    at = datetime(2026, 9, 1, 7, 30, tzinfo=timezone(timedelta(hours=8)))
    with database.begin() as session:
        session.add(note := Note(at=at))
    with database.read() as session:
        stored = session.get_one(Note, note.id).at
    assert stored == at
    assert stored.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="needs a time zone"), database.begin() as session:
        session.add(Note(at=datetime(2026, 9, 1)))  # noqa: DTZ001
        session.flush()


def test_an_error_in_the_block_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), database.begin() as session:
        session.add(Note(at=datetime.now(UTC)))
        session.flush()
        raise RuntimeError
    with database.read() as session:
        assert session.query(Note).count() == 0


def test_reading_goes_on_while_another_connection_writes(database: Database) -> None:
    with database.begin() as writer, database.read() as reader:
        writer.add(Note(at=datetime.now(UTC)))
        writer.flush()
        assert reader.query(Note).count() == 0


def test_a_locked_sqlite_database_is_named_as_busy(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(engine, "LOCK_WAIT_S", 0.05)
    database = Database(f"sqlite:///{tmp_path / 'locked.db'}")
    with database.begin(), pytest.raises(DatabaseBusyError, match="try again"), database.begin():
        pytest.fail("two writers at once")
    database.close()


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert {one.version for one in made} == {7}


def test_a_driver_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "database.postgresql", raising=False)
    with pytest.raises(engine.DriverMissingError, match=r"constraints/runtime\.txt"):
        Database("postgresql:///campusgate")
