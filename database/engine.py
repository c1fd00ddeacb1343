"""One database behind the server: SQLite by default, PostgreSQL beyond one machine."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

LOCK_WAIT_S = 5.0
"""How long a writer waits for another one before it gives up."""


class DatabaseBusyError(Exception):
    """Another writer held the database for longer than `LOCK_WAIT_S`; trying again is safe, nothing was written."""


class Database:
    """An engine and its sessions.

    `begin()` is the one way to write: it commits at the end of the block, rolls back on any error, and on SQLite takes
    the write lock at the start, so that two writers queue instead of failing half-way.
    """

    def __init__(self, url: str | URL, *, pool_size: int = 10) -> None:
        """Open the database at `url`; a missing SQLite folder is made."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(self.url, connect_args={"timeout": LOCK_WAIT_S}, pool_size=pool_size)
            _prepare_sqlite(self.engine)
        else:
            self.engine = create_engine(
                self.url.set(drivername="postgresql+psycopg"), pool_size=pool_size, max_overflow=pool_size
            )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A session in a writing transaction, committed at the end of the block.

        Raises:
            DatabaseBusyError: the write lock could not be had; nothing was written.
        """
        try:
            with self._sessions.begin() as session:
                if self.is_sqlite:
                    session.connection(execution_options={"campusgate_write": True})
                yield session
        except OperationalError as error:
            if _is_busy(error):
                raise DatabaseBusyError("the database is locked by another writer; try again") from error
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading: nothing written in it is kept, and what was read stays usable after it."""
        with self._sessions() as session:
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver would begin transactions at its own moments; `_begin` below does it at ours.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        write = connection.get_execution_options().get("campusgate_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _is_busy(error: OperationalError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return getattr(cause, "sqlstate", None) in {"40001", "40P01", "55P03"}
