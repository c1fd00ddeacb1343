"""The file of a passage log: SQLite, ids and times sealed. Nothing here knows a rule."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal
from uuid import UUID

import structlog

from access.passages.model import ZonePass
from database.private_files import make_private_file, make_private_folder
from database.sealing import Sealer, SealingError

_log = structlog.get_logger()

Source = Literal["own", "known"]
"""Seen here, or said by the server."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passes (
    source TEXT NOT NULL, person BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (source, person)
) WITHOUT ROWID;
"""


class PassageStore:
    """What cannot be written is logged and left out: a full disk closes no door. The caller sees to one at a time."""

    def __init__(self, path: Path | None, sealer: Sealer | None, *, gate: str) -> None:
        """Open the file, or a new one in the place of one that cannot be read; `path` None: in memory only."""
        self._path = path
        self._sealer = sealer or Sealer(os.urandom(32))
        self._gate = gate
        self.meta: Mapping[str, str] = {}
        self.passages: dict[Source, dict[UUID, ZonePass]] = {"own": {}, "known": {}}
        """What the file held when it was opened."""
        try:
            self._open()
            self._load()
        except (sqlite3.DatabaseError, SealingError, ValueError) as error:
            _log.warning("passage_log_dropped", gate=gate, error=str(error))
            if (connection := getattr(self, "_connection", None)) is not None:
                connection.close()
            if path is not None:
                for suffix in ("", "-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._open()
            self.meta, self.passages = {}, {"own": {}, "known": {}}

    def keep(
        self, source: Source, passages: Iterable[ZonePass], meta: Mapping[str, str], *, anew: bool = False
    ) -> None:
        """Write passages and what is known beside them; `anew`: instead of all that were there."""

        def write() -> None:
            if anew:
                self._connection.execute("DELETE FROM passes WHERE source = ?", (source,))
            rows = [(source, one.person_id.bytes, self._seal(source, one)) for one in passages]
            self._connection.executemany("INSERT OR REPLACE INTO passes VALUES (?, ?, ?)", rows)
            values = {"gate": self._gate, **meta}
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

        self._write(write)

    def drop(self, source: Source, people: Iterable[UUID]) -> None:
        """Delete the passages of some people."""
        rows = [(source, person.bytes) for person in people]
        if rows:
            self._write(
                lambda: self._connection.executemany("DELETE FROM passes WHERE source = ? AND person = ?", rows)
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _open(self) -> None:
        if self._path is not None:
            make_private_folder(self._path.parent)
            make_private_file(self._path)
        self._connection = sqlite3.connect(
            self._path or ":memory:", isolation_level=None, check_same_thread=False, timeout=1.0
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        # A power cut may cost the last passages; the server knows them. Nobody waits for the disk at the door.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA secure_delete=ON")
        self._connection.executescript(_SCHEMA)

    def _load(self) -> None:
        self.meta = dict(self._connection.execute("SELECT name, value FROM meta").fetchall())
        if self.meta and self.meta["gate"] != self._gate:
            raise ValueError("the log of another gate")
        rows: list[tuple[Source, bytes, bytes]] = self._connection.execute(
            "SELECT source, person, sealed FROM passes"
        ).fetchall()
        for source, person, sealed in rows:
            one = ZonePass.model_validate_json(self._sealer.open(sealed, self._context(source, person)))
            self.passages[source][one.person_id] = one

    def _write(self, work: Callable[[], object]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                work()
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            _log.error("passage_not_kept", gate=self._gate, error=str(error))

    def _seal(self, source: Source, one: ZonePass) -> bytes:
        return self._sealer.seal(one.model_dump_json().encode(), self._context(source, one.person_id.bytes))

    def _context(self, source: Source, person: bytes) -> bytes:
        return f"passes:{self._gate}:{source}:".encode() + person
