"""The file of a replica: SQLite, one process, every entry sealed. Nothing here knows what a gate is."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

from database.private_files import make_private_file, make_private_folder
from errors import OperatorError

_log = structlog.get_logger()

_ENTRIES = """
CREATE TABLE IF NOT EXISTS entries (
    person BLOB PRIMARY KEY,
    revision INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    digest BLOB NOT NULL,
    sealed BLOB NOT NULL,
    model TEXT
);
"""
"""With an index beside it: in a table without row ids, a sealed entry overflows its page, and a node holds three."""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
{_ENTRIES}
CREATE TABLE IF NOT EXISTS credentials (
    digest BLOB NOT NULL,
    kind TEXT NOT NULL,
    person BLOB NOT NULL,
    PRIMARY KEY (digest, kind, person)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS credentials_of_person ON credentials (person);
"""
_FORMAT = 3
_ONE_MODEL, _IN_INDEX = 1, 2
"""The formats before: every template is of the policy's model; entries lie in their index."""
_FROM_ONE_MODEL = """
BEGIN;
ALTER TABLE entries ADD COLUMN model TEXT;
UPDATE entries SET model = (SELECT json_extract(nullif(value, ''), '$.model_id') FROM meta WHERE name = 'policy');
PRAGMA user_version = 2;
COMMIT;
"""
_FROM_IN_INDEX = (
    "BEGIN; ALTER TABLE entries RENAME TO entries_before;"  # noqa: S608 - all of it stands here
    + _ENTRIES
    + "INSERT INTO entries SELECT person, revision, generation, digest, sealed, model FROM entries_before"
    " ORDER BY revision; DROP TABLE entries_before; PRAGMA user_version = 3; COMMIT;"
)
_LOCK_WAIT_S = 5.0
_ASKED_AT_ONCE = 500
"""People asked for in one query; SQLite takes 32,766."""


class ReplicaLockedError(OperatorError):
    """Another process holds the replica's file."""


class ReplicaStore:
    """A connection for writing and one for reading, so that a lookup never waits for a long apply."""

    def __init__(self, path: Path) -> None:
        """Open the file, or start a new one when it is missing or damaged.

        A damaged replica is deleted: all of it can be fetched again, and biometric data is not left lying about.

        Raises:
            ReplicaLockedError: another process holds it.
        """
        self._path = path
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        make_private_folder(path.parent)
        lock = path.with_name(path.name + "-lock")
        make_private_file(lock)
        self._hold = lock.open("w")
        try:
            fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._hold.close()
            raise self._locked() from error
        try:
            self._open_or_start_anew()
        except BaseException:
            self._close()
            self._hold.close()
            raise

    def _open_or_start_anew(self) -> None:
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if _is_locked(error):
                raise self._locked() from error
            _log.warning("replica_damaged", path=str(self._path), error=str(error))
            self.start_anew()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Cursor]:
        """A transaction: committed at the end of the block, rolled back on any error.

        Raises:
            ReplicaLockedError: another process holds the file.
        """
        with self._write_lock, closing(self._writer.cursor()) as cursor:
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise (self._locked() if _is_locked(error) else error) from error
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """A cursor on what was last committed; safe from any thread."""
        with self._read_lock, closing(self._reader.cursor()) as cursor:
            yield cursor

    def start_anew(self) -> None:
        """Throw the file away and begin with an empty one."""
        with self._write_lock, self._read_lock:
            self._close()
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._open()

    def close(self) -> None:
        """Close the file; another process may open it."""
        with self._write_lock, self._read_lock:
            self._close()
            self._hold.close()

    def _open(self) -> None:
        self._writer = self._connect()
        found = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if found not in {0, _ONE_MODEL, _IN_INDEX, _FORMAT}:
            raise sqlite3.DatabaseError(f"a replica of format {found}, not {_FORMAT}")
        if found == _ONE_MODEL:
            self._writer.executescript(_FROM_ONE_MODEL)
        if found in {_ONE_MODEL, _IN_INDEX}:
            self._writer.executescript(_FROM_IN_INDEX)
        check = self._writer.execute("PRAGMA quick_check(1)").fetchone()[0]
        if check != "ok":
            raise sqlite3.DatabaseError(check)
        self._writer.executescript(_SCHEMA)
        self._writer.execute(f"PRAGMA user_version = {_FORMAT}")
        self._reader = self._connect()

    def _connect(self) -> sqlite3.Connection:
        make_private_file(self._path)
        connection = sqlite3.connect(
            self._path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        connection.execute("PRAGMA journal_mode=WAL")
        # A power cut may cost the last page of changes, never the file: the next synchronisation brings them again.
        connection.execute("PRAGMA synchronous=NORMAL")
        # Removed people leave no bytes behind in the file.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA cache_size=-4096")
        return connection

    def _close(self) -> None:
        for name in ("_writer", "_reader"):
            connection: sqlite3.Connection | None = getattr(self, name, None)
            if connection is not None:
                connection.close()

    def _locked(self) -> ReplicaLockedError:
        return ReplicaLockedError(
            f"{self._path} is in use by another process: give each edge and each controller a replica of its own"
        )


def find_held(cursor: sqlite3.Cursor, people: Sequence[bytes]) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield person, digest and generation of those of `people` who are held."""
    for start in range(0, len(people), _ASKED_AT_ONCE):
        part = people[start : start + _ASKED_AT_ONCE]
        marks = ", ".join("?" * len(part))
        yield from cursor.execute(
            f"SELECT person, digest, generation FROM entries WHERE person IN ({marks})",  # noqa: S608 - marks only
            part,
        )


def _is_locked(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
