"""One database behind the server: SQLite by default, PostgreSQL beyond one machine."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from database.digests import CREDENTIAL_KEY
from database.private_files import make_private_file, make_private_folder
from database.storage import StorageError, fault_of
from errors import OperatorError

LOCK_WAIT_S = 5.0
"""How long a writer waits for another one before it gives up."""


class DriverMissingError(OperatorError):
    """The database is PostgreSQL's, and its driver is not installed."""


class DatabaseBusyError(Exception):
    """Others held the database, or all its connections, for too long; trying again is safe, nothing was written."""


class Database:
    """An engine and its sessions.

    `begin()` is the one way to write: it commits at the end of the block, rolls back on any error, and on SQLite takes
    the write lock at the start, so that two writers queue instead of failing half-way.
    """

    def __init__(
        self, url: str | URL, *, pool_size: int = 10, credential_key: bytes | None = None, is_pooled: bool = False
    ) -> None:
        """Take the database at `url`. A missing SQLite file is made at first use, with its folder, for its owner alone.

        A file that is gone later is not made again: that would be another, empty database.

        Args:
            url: SQLAlchemy's.
            pool_size: connections that are kept; as many again are made under load.
            credential_key: the site's: under it card numbers are digested; without it none can be stored or looked up.
            is_pooled: between us and PostgreSQL a pooler gives each transaction another connection.

        Raises:
            DriverMissingError: the database is PostgreSQL's, and its driver is not installed.
        """
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.engine = create_engine(self.url, connect_args={"timeout": LOCK_WAIT_S}, pool_size=pool_size)
            if self.url.database and self.url.database != ":memory:":
                _keep_private(self.engine, Path(self.url.database))
            _prepare_sqlite(self.engine)
        else:
            try:
                from database.postgresql import make_postgresql_engine  # noqa: PLC0415 - the driver is an extra
            except ModuleNotFoundError as error:
                raise DriverMissingError(
                    f"psycopg, which speaks to PostgreSQL, is not installed ({error}): install what "
                    "constraints/runtime.txt lists, which constraints/gate.txt does not hold"
                ) from error
            self.engine = make_postgresql_engine(self.url, pool_size=pool_size, is_pooled=is_pooled)
        self.credential_key = credential_key
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info={CREDENTIAL_KEY: credential_key})

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A session in a writing transaction, committed at the end of the block.

        Raises:
            DatabaseBusyError: the write lock could not be had; nothing was written.
            StorageError: the disk is full, or not to be written, or the database is damaged or away; of `unreachable`
                alone nobody knows whether it was written.
        """
        with _translate_errors(), self._sessions.begin() as session:
            if self.is_sqlite:
                session.connection(execution_options={"campusgate_write": True})
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading: nothing written in it is kept, and what was read stays usable after it.

        Raises:
            StorageError: see there.
        """
        with _translate_errors(), self._sessions() as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session for reading in which everything stays as it was at the first question, whoever writes meanwhile."""
        with _translate_errors(), self._sessions() as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _keep_private(engine: Engine, path: Path) -> None:
    """Make the file private before it is opened, and notice when another one, or none, stands in its place.

    A file that was moved or deleted still takes writes from whoever has it open, and all of them would be lost.
    """
    opened: list[tuple[int, int]] = []

    @event.listens_for(engine, "begin")
    def _require_same(*_parameters: Any) -> None:
        if opened and _identify(path) != opened[0]:
            raise StorageError("missing")

    @event.listens_for(engine, "do_connect")
    def _make(*_parameters: Any) -> None:
        _require_same()
        try:
            make_private_folder(path.parent)
            make_private_file(path)
        except OSError as error:
            raise StorageError("full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "read_only") from error
        if not opened and (found := _identify(path)) is not None:
            opened.append(found)


def _identify(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one at the same place, or None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Say in our own words what only somebody at the machine can mend."""
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseBusyError("all connections to the database are in use; try again") from error
    except DBAPIError as error:
        if isinstance(error, OperationalError) and _is_busy(error):
            raise DatabaseBusyError("the database is locked by another writer; try again") from error
        if (fault := fault_of(error)) is not None:
            raise StorageError(fault) from error
        raise


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver would begin transactions at its own moments; `_begin` below does it at ours.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What was erased leaves no bytes behind in pages that are free.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        write = connection.get_execution_options().get("campusgate_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _is_busy(error: OperationalError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return getattr(cause, "sqlstate", None) in {"40001", "40P01", "55P03", "57014"}
