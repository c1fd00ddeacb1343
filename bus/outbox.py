"""What must not be lost while there is no broker: a queue on disk, bounded, in order, each entry once.

When it is full the oldest entry of low value goes first (a refused stranger), then the oldest of all: what happened
last explains best what is happening now. The number of lost entries is kept and can be asked for.
"""

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from bus.errors import BusError
from database.durable_file import open_durable, require_sound

log = structlog.get_logger()

LIMIT = 20_000
"""Entries kept by default: some days of a busy gate, about ten megabytes."""
_MEMORY_LIMIT = 1000


class OutboxError(BusError):
    """The file of the outbox cannot be opened."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message that waits to be sent."""

    id: UUID
    topic: str
    payload: bytes
    at: datetime
    sequence: int
    """Rises with every entry of one outbox."""


class Outbox:
    """Entries that wait, in the order they were put. Safe for threads; one process at a time.

    `put` has written to disk (`synchronous=FULL`) when it returns. With a full disk the entry is kept in memory
    instead, so that it is lost only if the process ends too.
    """

    def __init__(self, path: Path, *, limit: int = LIMIT) -> None:
        """Open or make the file.

        Raises:
            OutboxError: it cannot be opened, or it is damaged.
        """
        self._limit = limit
        self._lock = threading.Lock()
        self._memory: deque[Entry] = deque(maxlen=_MEMORY_LIMIT)
        self.changed = threading.Event()
        self.unwritten = False
        """Whether the last entry is in memory only."""
        try:
            self._connection = open_durable(path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS entries (sequence INTEGER PRIMARY KEY,"
                " id BLOB NOT NULL UNIQUE, topic TEXT NOT NULL, payload BLOB NOT NULL, at REAL NOT NULL,"
                " valuable INTEGER NOT NULL)"
            )
            self._connection.execute("CREATE INDEX IF NOT EXISTS by_value ON entries (valuable, sequence)")
            self._connection.execute("CREATE TABLE IF NOT EXISTS lost (number INTEGER NOT NULL)")
            row = self._connection.execute("SELECT count(*), coalesce(max(sequence), 0) FROM entries").fetchone()
            self._count, self._sequence = int(row[0]), int(row[1])
            self._connection.execute("SELECT id, topic, payload, at, valuable FROM entries LIMIT 1").fetchone()
            require_sound(path, self._connection)
        except (OSError, sqlite3.Error, ValueError) as error:
            raise OutboxError(f"the outbox {path} cannot be used: {error}") from error

    def put(self, entry_id: UUID, topic: str, payload: bytes, at: datetime, *, valuable: bool = True) -> None:
        """Add an entry; one that waits already under the same id is not added again."""
        with self._lock:
            self._sequence += 1
            entry = Entry(entry_id, topic, payload, at, self._sequence)
            try:
                self._insert(entry, valuable=valuable)
                self.unwritten = False
            except sqlite3.Error as error:
                self.unwritten = True
                log.error("outbox_not_written", error=str(error), kept_in_memory=len(self._memory) + 1)
                self._memory.append(entry)
        self.changed.set()

    def pending(self, limit: int = 100, *, after: int = 0) -> list[Entry]:
        """Return the entries to be sent next, oldest first, from those with a sequence above `after`."""
        with self._lock:
            try:
                rows = self._connection.execute(
                    "SELECT id, topic, payload, at, sequence FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?",
                    (after, limit),
                ).fetchall()
            except sqlite3.Error as error:
                log.error("outbox_not_read", error=str(error))
                rows = []
            found = [entry for row in rows if (entry := self._entry(*row)) is not None]
            found += [entry for entry in self._memory if entry.sequence > after]
            return sorted(found, key=lambda entry: entry.sequence)[:limit]

    def done(self, ids: Iterable[UUID]) -> None:
        """Remove entries that have arrived; unknown ids are ignored."""
        with self._lock:
            keys = set(ids)
            self._memory = deque((one for one in self._memory if one.id not in keys), maxlen=_MEMORY_LIMIT)
            try:
                # No wait for the disk: what a power cut brings back is sent again, and known by its id.
                self._connection.execute("PRAGMA synchronous=NORMAL")
                self._connection.execute("BEGIN IMMEDIATE")
                removed = 0
                for key in keys:
                    removed += self._connection.execute("DELETE FROM entries WHERE id = ?", (key.bytes,)).rowcount
                self._connection.execute("COMMIT")
                self._count -= removed
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                # They will be sent again; receivers tell copies apart by their id.
                log.error("outbox_not_cleared", error=str(error))
            finally:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("PRAGMA synchronous=FULL")

    @property
    def lost(self) -> int:
        """How many entries were dropped because the outbox was full, since the file was made."""
        with self._lock:
            try:
                return int(self._connection.execute("SELECT coalesce(sum(number), 0) FROM lost").fetchone()[0])
            except sqlite3.Error:
                return 0

    def __len__(self) -> int:
        with self._lock:
            return self._count + len(self._memory)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _entry(self, key: Any, topic: Any, payload: Any, at: Any, sequence: int) -> Entry | None:
        """Return a row as an entry; one that a damaged disk made unreadable goes, or it would hold up all behind it."""
        try:
            return Entry(UUID(bytes=key), str(topic), bytes(payload), datetime.fromtimestamp(at, UTC), sequence)
        except (ValueError, TypeError, OverflowError, OSError) as error:
            log.error("outbox_entry_unreadable", sequence=sequence, error=str(error))
        with contextlib.suppress(sqlite3.Error):
            self._count -= self._connection.execute("DELETE FROM entries WHERE sequence = ?", (sequence,)).rowcount
        return None

    def _insert(self, entry: Entry, *, valuable: bool) -> None:
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            added = cursor.execute(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?)",
                (entry.sequence, entry.id.bytes, entry.topic, entry.payload, entry.at.timestamp(), valuable),
            ).rowcount
            dropped = 0
            if self._count + added > self._limit:
                dropped = cursor.execute(
                    "DELETE FROM entries WHERE sequence ="
                    " (SELECT sequence FROM entries ORDER BY valuable, sequence LIMIT 1)"
                ).rowcount
                cursor.execute("INSERT INTO lost SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM lost)")
                cursor.execute("UPDATE lost SET number = number + ?", (dropped,))
            cursor.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        self._count += added - dropped
        if dropped:
            log.error("outbox_full", limit=self._limit, dropped=dropped)
