import re
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Connection, Table, inspect, text
from sqlalchemy.exc import DBAPIError

from campusgate.schema import ROOMS, metadata
from database import Database, migrate
from database.append_only import MARK
from database.migrate import SchemaError, find_differences, find_newest, read_revision, upgrade

ROOT = Path(__file__).parent.parent.parent
OF_FIRST_VERSION = "0037"
"""What stood before it was never released."""


@pytest.fixture
def empty(database: Database) -> Database:
    """The fixture's database without its tables."""
    metadata().drop_all(database.engine)
    return database


def test_the_revisions_make_exactly_the_tables_of_the_rooms(empty: Database) -> None:
    upgrade(empty)
    assert read_revision(empty) == find_newest()
    assert find_differences(empty, metadata()) == []


def test_the_revisions_leave_exactly_the_checks_of_the_tables(empty: Database) -> None:
    """A table made anew on SQLite must not keep the checks that a revision replaced."""
    upgrade(empty)
    made = inspect(empty.engine)
    for table in metadata().sorted_tables:
        wanted = {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
        assert {str(one["name"]) for one in made.get_check_constraints(table.name)} == wanted, table.name


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    assert read_revision(empty) == find_newest()


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


def test_the_database_itself_refuses_to_change_what_was_written(empty: Database) -> None:
    upgrade(empty)
    protected = [table for table in metadata().sorted_tables if table.info.get(MARK)]
    assert {"audit", "ledger_transfers"} <= {table.name for table in protected}
    for table in protected:
        with empty.engine.connect() as connection:
            assert _is_refused(connection, table), table.name


def _is_refused(connection: Connection, table: Table) -> bool:
    """Tell whether an update is refused; SQLite's triggers need a row, so there the trigger itself is looked for."""
    if connection.dialect.name == "sqlite":
        query = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name"
        return connection.execute(text(query), {"name": table.name}).scalar_one() == 2
    try:
        connection.execute(text(f"DELETE FROM {table.name}"))
    except DBAPIError as error:
        return "takes inserts only" in str(error)
    return False


def test_a_revision_takes_nothing_away_that_the_version_before_still_asks_for() -> None:
    """Of two servers the other goes on over the changed database until it is its turn."""
    takes_away = re.compile(r"drop_table|drop_column|rename_table|alter_column")
    revisions = sorted((Path(migrate.__file__).parent / "migrations/versions").glob("[0-9]*.py"))
    newer = [one for one in revisions if one.name[:4] >= OF_FIRST_VERSION]
    assert newer
    for one in newer:
        upgrade_of_it = one.read_text(encoding="utf-8").partition("def upgrade(")[2].partition("def downgrade(")[0]
        assert not takes_away.search(upgrade_of_it), f"{one.name}: in the version after it, when nobody asks any more"
