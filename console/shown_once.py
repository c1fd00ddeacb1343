"""Secrets that are shown once: a form that was sent twice shows the one that it made, and makes no other.

A browser shows the answer to the last time that it sent a form. For a minute the answer is kept under the key that the
form carries and the person who sent it: by one server in memory, by several in the database that they share, sealed
under the form's key. So no secret is kept anywhere in a form that can be shown to anybody but whoever has the form.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from database import Database, Sealer
from web.tables import ShownSecret

KEPT_S = 60.0
"""A second press and a reader that types Enter twice come within moments; a page loaded again after a minute is told
that the secret was shown."""
_CONTEXT = b"shown once"

Texts = Sequence[str]


@dataclass(slots=True)
class _Kept:
    at: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: Texts | None = None


class ShownOnce:
    """What was made a moment ago, by who sent the form, the form's key, and what was in it."""

    def __init__(self, database: Database | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Share what is kept through `database`, a PostgreSQL; without one `clock` tells seconds that pass."""
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Kept] = {}

    def make(self, person_id: UUID, key: UUID | None, asked: Sequence[object], write: Callable[[], Texts]) -> Texts:
        """Return the texts that `write` makes, or made when the same person sent the same form with the same in it.

        The second of two at once waits for the first. What `write` raises is passed on, and nothing is kept; without
        a key nothing is either.
        """
        if key is None:
            return write()
        sent = json.dumps([str(person_id), str(key), *map(str, asked)])
        if self._database is not None:
            with self._database.begin() as session:
                return _make_shared(session, hashlib.sha256(sent.encode()).digest(), _sealer(key), write)
        kept = self._of(sent)
        with kept.lock:
            if kept.made is None:
                kept.made = write()
            return kept.made

    def _of(self, sent: Hashable) -> _Kept:
        now = self._clock()
        with self._lock:
            for one in [one for one, kept in self._kept.items() if now - kept.at > KEPT_S]:
                del self._kept[one]
            return self._kept.setdefault(sent, _Kept(now))


def forget(session: Session, before: datetime) -> None:
    """Delete what was made before a time."""
    session.execute(delete(ShownSecret).where(ShownSecret.at < before))


def _make_shared(session: Session, digest: bytes, sealer: Sealer, write: Callable[[], Texts]) -> Texts:
    """Make, or return what another made: whoever comes second waits for the row of the first."""
    now = session.scalars(select(func.clock_timestamp())).one()
    forget(session, now - timedelta(seconds=KEPT_S))
    row = insert(ShownSecret).values(digest=digest, sealed=b"", at=now).on_conflict_do_nothing()
    if session.scalar(row.returning(ShownSecret.digest)) is None:
        kept = session.get_one(ShownSecret, digest)
        texts: list[str] = json.loads(sealer.open(kept.sealed, _CONTEXT + digest))
        return texts
    made = write()
    session.get_one(ShownSecret, digest).sealed = sealer.seal(json.dumps(list(made)).encode(), _CONTEXT + digest)
    return made


def _sealer(key: UUID) -> Sealer:
    return Sealer(hashlib.sha256(_CONTEXT + key.bytes).digest())
