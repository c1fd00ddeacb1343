"""Databases that are lent to one test after the other: files of SQLite, and those of a PostgreSQL server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from campusgate.schema import metadata
from database import Database, new_id
from database.migrate import upgrade
from database.private_files import make_private_file, make_private_folder

CREDENTIAL_KEY = b"c" * 32
"""The site's key in tests."""

ON_SQLITE = pytest.mark.databases("sqlite")
"""For modules about what stands above the database: each of their statements is asked of both somewhere else."""
ON_BOTH = pytest.mark.databases("sqlite", "postgresql")
"""For a test in such a module that asks what no other does, or acts at the same moment."""
ON_POSTGRESQL = pytest.mark.databases("postgresql")
"""For random requests: it refuses what SQLite takes, a NUL in a text, a number beyond its column, another type."""

_TERMINATE = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()
"""

_SHAPE = """
    SELECT concat_ws(' ', classes, columns, triggers, functions, constraints) FROM
        (SELECT concat_ws('/', count(*), max(xmin::text::bigint)) AS classes FROM pg_class) AS a,
        (SELECT concat_ws('/', count(*), max(xmin::text::bigint)) AS columns FROM pg_attribute) AS b,
        (SELECT concat_ws('/', count(*), max(xmin::text::bigint)) AS triggers FROM pg_trigger) AS c,
        (SELECT concat_ws('/', count(*), max(xmin::text::bigint)) AS functions FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace) AS d,
        (SELECT concat_ws('/', count(*), max(xmin::text::bigint)) AS constraints FROM pg_constraint) AS e
"""
"""How many of each there are, and the last transaction that wrote one: a copy has its template's."""

_FILLED = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
"""The tables that ever had a row: to delete from a table costs its indexes' descriptions, also where it is empty."""


def copied(template: Path, folder: Path) -> Database:
    """Copy a SQLite database with every table into a folder, where nothing else uses it."""
    path = folder / "campusgate.db"
    shutil.copyfile(template, path)
    return Database(f"sqlite:///{path}", credential_key=CREDENTIAL_KEY)


class Administration:
    """Makes and removes databases of a server."""

    def __init__(self, server_url: str | URL) -> None:
        self._server = Database(server_url, pool_size=1)

    def do(self, statement: str) -> None:
        with self._server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(statement)

    def open(self, name: str) -> Database:
        return Database(self._server.url.set(database=name), credential_key=CREDENTIAL_KEY)

    def drop(self, name: str) -> None:
        self.do(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._server.close()


def begin(folder: Path) -> None:
    """Begin a campus's SQLite database in a data directory, as `campusgate serve` would: other commands need one."""
    path = folder / "campusgate.db"
    make_private_folder(folder)
    make_private_file(path)
    path.write_bytes(_begun())


@cache
def _begun() -> bytes:
    """A database after every revision: to run through them takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "campusgate.db"
        database = Database(f"sqlite:///{path}")
        upgrade(database)
        database.close()
        assert [one.name for one in path.parent.iterdir()] == [path.name]
        return path.read_bytes()


@contextmanager
def made_database(server_url: str | URL, *, template: str = "template1") -> Iterator[Database]:
    """A copy of another database, which nobody has open; without a name, an empty one without tables."""
    administration, name = Administration(server_url), _new_name()
    administration.do(f"CREATE DATABASE {name} TEMPLATE {template}")
    database = administration.open(name)
    try:
        yield database
    finally:
        database.close()
        administration.drop(name)
        administration.close()


class LentDatabases:
    """Databases with every table and no row.

    To empty one takes a few milliseconds, to copy one a hundred. Each loan has a name of its own, so that a thread
    that outlives its test finds no database rather than that of the next test; what a test has rebuilt is not lent
    again.
    """

    def __init__(self, server_url: str | URL) -> None:
        """Make the template that all others are copied from."""
        self._administration = Administration(server_url)
        self._template, self._free = _new_name(), list[str]()
        self._administration.do(f"CREATE DATABASE {self._template}")
        template = self._administration.open(self._template)
        metadata().create_all(template.engine)
        with template.read() as session:
            self._shape = session.scalar(text(_SHAPE))
            sequences = session.scalars(text("SELECT sequencename FROM pg_sequences")).all()
            # Only a superuser may empty tables that take inserts only; anybody else is lent each database once.
            self._may_empty = session.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
        template.close()
        self._begin_again = [f"SELECT setval('{sequence}', 1, false)" for sequence in sequences]

    @contextmanager
    def lend(self) -> Iterator[Database]:
        database = self._renewed() or self._copied()
        try:
            yield database
        finally:
            database.close()
            name = str(database.url.database)
            if self._may_empty:
                self._administration.do(_TERMINATE.format(name=name))
                self._free.append(name)
            else:
                self._administration.drop(name)

    def _renewed(self) -> Database | None:
        if not self._free:
            return None
        before, name = self._free.pop(), _new_name()
        self._administration.do(f"ALTER DATABASE {before} RENAME TO {name}")
        database = self._administration.open(name)
        with database.begin() as session:
            if session.scalar(text(_SHAPE)) == self._shape:
                emptied = [f"DELETE FROM {table}" for table in session.scalars(text(_FILLED))]
                statements = ["SET LOCAL session_replication_role = replica", *emptied, *self._begin_again]
                session.connection().exec_driver_sql("; ".join(statements))
                return database
        database.close()
        self._administration.drop(name)
        return None

    def _copied(self) -> Database:
        name = _new_name()
        self._administration.do(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return self._administration.open(name)

    def close(self) -> None:
        for name in [*self._free, self._template]:
            self._administration.drop(name)
        self._administration.close()


def _new_name() -> str:
    return f"test_{new_id().hex}"
