"""The gate's own copy of its directory: survives restarts, proves that it equals the server's, opens nothing twice.

A page is applied in one transaction. After the last page the digest of everything held is compared with the server's;
a difference asks for a rebuild, which fetches all entries as a new generation beside the old one and drops whatever
the server did not send. Until then the gate decides from what it has.
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from sqlite3 import Cursor, DatabaseError
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from access.policy import GatePolicy
from access.replica.faces import ReplicaFaces
from access.replica.meta import Position, ReplicaMeta
from access.replica.page import ReplicaError, require_next
from access.replica.store import ReplicaStore, find_held
from access.snapshot import (
    Change,
    ChangePage,
    CredentialKind,
    PersonEntry,
    View,
    add_digest,
    digest_of,
    directory_digest,
    subtract_digest,
)
from database.sealing import Sealer, SealingError

if TYPE_CHECKING:
    from access.gallery import ChangedFaces, Gallery

_log = structlog.get_logger()

_LOADED_AT_ONCE = 2000
"""Entries whose templates are read together."""


class Replica:
    """One gate's directory on disk and, for matching, in memory. Every method is safe from any thread."""

    def __init__(
        self, path: Path, sealer: Sealer, *, gate: str, models: Collection[str] = (), view: View = "full"
    ) -> None:
        """Open the replica of `gate` at `path`, or begin an empty one.

        `models` are those that this gate can run; a page with templates of another is refused. A file that is damaged,
        sealed under another key or another gate's is dropped and fetched again.

        Raises:
            ReplicaLockedError: another process uses the file.
        """
        self._gate = gate
        self._models = frozenset(models)
        self._view = view
        self._sealer = sealer
        self._store = ReplicaStore(path)
        self._applying = threading.Lock()
        self._lock = threading.Lock()
        self._faces = ReplicaFaces(models)
        self._meta = ReplicaMeta(self._gate, self._view)
        try:
            self._load()
        except (SealingError, ValueError, LookupError, DatabaseError) as error:
            _log.warning("replica_dropped", gate=gate, error=str(error))
            self._store.start_anew()
            self._meta = ReplicaMeta(self._gate, self._view)
            self._faces.clear()

    @property
    def gate(self) -> str:
        """The gate this replica belongs to."""
        return self._gate

    @property
    def view(self) -> View:
        """Whether templates are wanted."""
        return self._view

    @property
    def revision(self) -> int:
        """The revision up to which every change is applied (0: none)."""
        return self._meta.position.revision

    @property
    def position(self) -> Position:
        """Where the next page begins."""
        return self._meta.position

    @property
    def model_id(self) -> str | None:
        """The model that the gate matches with, None before the first page or where it uses no faces."""
        return self._meta.policy.model_id if self._meta.policy else None

    @property
    def policy(self) -> GatePolicy | None:
        """The gate's policy, None before the first synchronisation."""
        return self._meta.policy

    @property
    def synced_at(self) -> datetime | None:
        """When the replica was last proven equal to the server's directory."""
        return self._meta.synced_at

    @property
    def digest(self) -> str | None:
        """The digest that was proven then, for the acknowledgement."""
        return self._meta.digest

    def galleries(self) -> "Mapping[str, Gallery]":
        """Return all faces by the model of their templates; cached, brought up to date by what changed since."""
        with self._lock:
            return self._faces.galleries(self.revision)

    def gallery(self) -> "Gallery":
        """Return the faces whose templates are of the model that the gate matches with."""
        with self._lock:
            return self._faces.gallery(self.model_id, self.revision)

    def person(self, person_id: UUID) -> PersonEntry | None:
        """Return what is known of a person, None when they are not in this gate's directory."""
        with self._store.reading() as cursor:
            row = cursor.execute("SELECT sealed, model FROM entries WHERE person = ?", (person_id.bytes,)).fetchone()
        return self._open(person_id.bytes, *row) if row else None

    def by_credential(self, kind: CredentialKind, digest: str) -> PersonEntry | None:
        """Return the person who carries a card or code, None when nobody does.

        When a number was given out again, the person whose card is active counts.
        """
        with self._store.reading() as cursor:
            rows = cursor.execute(
                "SELECT e.person, e.sealed, e.model FROM credentials c JOIN entries e USING (person)"
                " WHERE c.digest = ? AND c.kind = ?",
                (bytes.fromhex(digest), kind),
            ).fetchall()
        entries = [self._open(*row) for row in rows]
        return max(entries, key=lambda entry: _has_active(entry, digest), default=None)

    def count(self) -> int:
        """Return how many people are held."""
        with self._store.reading() as cursor:
            counted: int = cursor.execute("SELECT count(*) FROM entries").fetchone()[0]
        return counted

    def apply(self, page: ChangePage, at: datetime) -> bool:
        """Apply one page whole, received at `at`, and return whether the replica now equals the server's directory.

        False after the last page means that the digests differ: a rebuild has begun, and the next pages are asked for
        from `position`.

        Raises:
            ModelMismatchError: the templates are of another model; the old directory stays.
            ReplicaError: the page is another gate's, does not follow what is held, or cannot be understood.
            ReplicaLockedError: another process uses the file.
        """
        with self._applying:
            require_next(page, self._meta, models=self._models)
            meta = self._meta.after(page)
            changed: ChangedFaces = {}
            try:
                with self._store.writing() as cursor:
                    self._write(cursor, page.changes, meta, changed)
                    if page.is_complete:
                        self._finish(cursor, page, meta, changed, at)
                    self._save(cursor, meta)
            except DatabaseError as error:
                self._drop_if_damaged(error)
                raise
            with self._lock:
                self._meta = meta
                self._faces.update(changed)
            return page.is_complete and not meta.position.rebuilding

    def rebuild(self) -> None:
        """Begin to fetch everything anew; what is held stays in use until that is complete."""
        with self._applying, self._store.writing() as cursor:
            meta = self._meta.anew()
            self._save(cursor, meta)
            self._meta = meta

    def confirm(self, digest: str, at: datetime) -> None:
        """Take note that the server's directory was, `at` that moment, the one with this digest, which is held here."""
        with self._applying:
            meta = replace(self._meta, synced_at=at.astimezone(UTC))
            if meta.digest != digest or meta.position.rebuilding:
                raise ReplicaError("what the server confirmed is not held here")
            with self._store.writing() as cursor:
                self._save(cursor, meta)
            with self._lock:
                self._meta = meta

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _write(self, cursor: Cursor, changes: Sequence[Change], meta: ReplicaMeta, changed: "ChangedFaces") -> None:
        """Write changes, and bring the sum of digests along.

        Each entry keeps the model that its page meant: when the policy's changes, those not yet sent anew stay of the
        one before.
        """
        held = list(find_held(cursor, [change.person_id.bytes for change in changes]))
        for _, former, generation in held:
            if generation == meta.generation:
                meta.total = subtract_digest(meta.total, int.from_bytes(former, "big"))
        people = [(person,) for person, _, _ in held]
        cursor.executemany("DELETE FROM entries WHERE person = ?", people)
        cursor.executemany("DELETE FROM credentials WHERE person = ?", people)
        known = [(one.entry, _model_of(one.entry, meta)) for one in changes if one.entry is not None]
        changed.update(dict.fromkeys(change.person_id for change in changes))
        changed.update(self._faces.read(known))
        entries, credentials = [], []
        for change in changes:
            if change.entry is None:
                continue
            person = change.person_id.bytes
            model_id = _model_of(change.entry, meta)
            plain = change.entry.to_json()
            digest = digest_of(plain)
            meta.total = add_digest(meta.total, digest)
            sealed = self._sealer.seal(plain, self._context(person))
            entries.append((person, change.revision, meta.generation, digest.to_bytes(32, "big"), sealed, model_id))
            credentials += [
                (bytes.fromhex(one.digest), one.kind, person) for one in change.entry.credentials if one.kind != "pin"
            ]
        cursor.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", entries)
        cursor.executemany("INSERT OR IGNORE INTO credentials VALUES (?, ?, ?)", credentials)

    def _finish(
        self, cursor: Cursor, page: ChangePage, meta: ReplicaMeta, changed: "ChangedFaces", at: datetime
    ) -> None:
        """After the last page: drop the old generation, compare digests, and begin a rebuild if they differ."""
        if meta.position.rebuilding:
            for (person,) in cursor.execute(
                "SELECT person FROM entries WHERE generation < ?", (meta.generation,)
            ).fetchall():
                changed[UUID(bytes=person)] = None
                cursor.execute("DELETE FROM credentials WHERE person = ?", (person,))
            cursor.execute("DELETE FROM entries WHERE generation < ?", (meta.generation,))
        digest = directory_digest(page.policy, meta.total)
        if digest == page.digest_when_complete:
            meta.position = Position(page.to_revision, page.revoked_to, rebuilding=False)
            meta.synced_at, meta.digest = at.astimezone(UTC), digest
            return
        _log.warning("replica_differs", gate=self._gate, revision=page.to_revision)
        begun = meta.anew()
        meta.generation, meta.position, meta.total = begun.generation, begun.position, begun.total

    def _drop_if_damaged(self, error: DatabaseError) -> None:
        """Begin an empty file in the place of one that was damaged while in use."""
        if getattr(error, "sqlite_errorname", "") not in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}:
            return
        _log.error("replica_damaged", gate=self._gate, error=str(error))
        with self._lock:
            self._store.start_anew()
            self._meta = ReplicaMeta(self._gate, self._view)
            self._faces.clear()

    def _save(self, cursor: Cursor, meta: ReplicaMeta) -> None:
        cursor.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.to_rows().items())

    def _load(self) -> None:
        """Read what the file holds and check it against its own sums."""
        with self._store.reading() as cursor:
            values: dict[str, str] = dict(cursor.execute("SELECT name, value FROM meta").fetchall())
            if not values:
                return
            meta = ReplicaMeta.from_rows(values)
            if (meta.gate, meta.view) != (self._gate, self._view):
                raise LookupError("the file holds another gate's directory")
            rows = cursor.execute("SELECT person, generation, digest, sealed, model FROM entries")
            total = self._load_entries(rows, meta)
        if total != meta.total:
            raise ValueError("the entries do not add up to the digest")
        self._meta = meta

    def _load_entries(self, rows: Iterable[tuple[bytes, int, bytes, bytes, str | None]], meta: ReplicaMeta) -> int:
        total = 0
        remaining = iter(rows)
        while part := list(islice(remaining, _LOADED_AT_ONCE)):
            entries = []
            for person, of_generation, digest, sealed, model_id in part:
                plain = self._sealer.open(sealed, self._context(person))
                if digest_of(plain) != int.from_bytes(digest, "big"):
                    raise ValueError("an entry does not fit its digest")
                entries.append((PersonEntry.model_validate_json(plain), model_id))
                if of_generation == meta.generation:
                    total = add_digest(total, int.from_bytes(digest, "big"))
            self._faces.update(self._faces.read(entries))
        return total

    def _open(self, person: bytes, sealed: bytes, model_id: str | None) -> PersonEntry:
        entry = PersonEntry.model_validate_json(self._sealer.open(sealed, self._context(person)))
        named = None if model_id == self.model_id or not entry.templates else model_id
        return entry if entry.model_id == named else entry.model_copy(update={"model_id": named})

    def _context(self, person: bytes) -> bytes:
        return b"replica:" + self._gate.encode() + b":" + person


def _model_of(entry: PersonEntry, meta: ReplicaMeta) -> str | None:
    return entry.model_id or (meta.policy.model_id if meta.policy is not None else None)


def _has_active(entry: PersonEntry, digest: str) -> bool:
    return any(one.digest == digest and one.status == "active" for one in entry.credentials)
