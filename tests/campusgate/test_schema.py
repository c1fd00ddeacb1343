from pathlib import Path

import pytest
from sqlalchemy import text

from campusgate.schema import ROOMS, metadata
from database import Database
from database.migrate import SchemaError, differences, newest, revision, upgrade

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def empty(database: Database) -> Database:
    """The fixture's database without its tables."""
    metadata().drop_all(database.engine)
    return database


def test_the_revisions_make_exactly_the_tables_of_the_rooms(empty: Database) -> None:
    upgrade(empty)
    assert revision(empty) == newest()
    foreign = {"test_notes"}
    assert [one for one in differences(empty, metadata()) if getattr(one[1], "name", None) not in foreign] == []


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    assert revision(empty) == newest()


def test_a_database_from_the_future_is_refused_with_a_way_out(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="newer campusgate"):
        upgrade(empty)


def test_every_rooms_tables_are_among_them() -> None:
    found = {path.relative_to(ROOT) for path in ROOT.glob("[a-z]*/**/tables.py") if ".venv" not in path.parts}
    listed = {Path(str(module.__file__)).relative_to(ROOT) for module in ROOMS}
    assert found == listed
