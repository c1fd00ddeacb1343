"""What database and files say of a played day, read on their own: nothing here asks the server."""

import contextlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from accounts import audit
from accounts.ledger import account, seal_chain
from accounts.ledger.invariants import check_ledger
from accounts.ledger.tables import JournalTransfer
from benchmarks.day_campus import DayCampus
from benchmarks.day_judgement import Recorded
from benchmarks.fleet_campus import CREDENTIAL_KEY
from database import Database
from enrollment.tables import PhotoRecord
from operations.tables import GateEvent


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of the store."""

    id: UUID
    sequence: int
    gate: str
    source: str
    kind: str
    at: datetime
    received_at: datetime
    person: UUID | None
    granted: bool | None
    tap: UUID | None
    latency_ms: float | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What there is at the end of the day."""

    payments: Sequence[Recorded]
    balances: dict[str, int]
    """Of every payer and every shop, by id."""
    books: Sequence[str]
    """What is wrong with ledger, journal or audit trail."""
    events: Sequence[StoredEvent]
    photos: dict[UUID, list[str]]

    def journal_of(self, gates: Collection[str]) -> tuple["Counter[UUID]", int]:
        """Return how often each event of these gates' controllers is stored, and how many taps were decided twice."""
        theirs = [one for one in self.events if one.gate in gates and one.source == "controller"]
        decisions = Counter((one.tap, one.kind) for one in theirs if one.tap and one.kind.startswith("access_"))
        return Counter(one.id for one in theirs), sum(count - 1 for count in decisions.values())


def read_facts(made: DayCampus) -> DayFacts:
    """Read them from the campus's database."""
    database = Database(made.campus.database_url, credential_key=CREDENTIAL_KEY, pool_size=2)
    shops = set(made.tills)
    try:
        with database.snapshot() as session:
            books = [f"ledger: {one}" for one in check_ledger(session)]
            books += [f"journal: {one.message}" for one in seal_chain.verify(session).faults]
            if (broken := audit.verify(session).first_broken) is not None:
                books.append(f"audit trail: broken at line {broken}")
            lines = session.execute(
                select(JournalTransfer.id, JournalTransfer.debit, JournalTransfer.credit, JournalTransfer.amount)
            ).all()
            payments = [
                Recorded(one, debit, str(credit), fen) for one, debit, credit, fen in lines if str(credit) in shops
            ]
            involved = {str(one.payer) for one in payments} | shops
            balances = {one: account(session, UUID(one)).balance for one in involved}
            columns = (
                GateEvent.id, GateEvent.sequence, GateEvent.gate, GateEvent.source, GateEvent.kind, GateEvent.at,
                GateEvent.received_at, GateEvent.person_id, GateEvent.granted, GateEvent.tap_id, GateEvent.latency_ms,
                GateEvent.details,
            )  # fmt: skip
            events = [StoredEvent(*row) for row in session.execute(select(*columns).order_by(GateEvent.sequence))]
            photos: dict[UUID, list[str]] = defaultdict(list)
            for person, photo in session.execute(select(PhotoRecord.person_id, PhotoRecord.id)):
                photos[person].append(str(photo))
    finally:
        database.close()
    return DayFacts(payments, balances, books, events, photos)


@dataclass(slots=True)
class EdgeOutboxes:
    """The files in which edges keep their events, looked into while they work: all of it must reach the store."""

    files: Sequence[Path]
    seen: set[UUID] = field(default_factory=set)

    def look(self) -> int:
        """Remember what lies in them now, and return how many wait."""
        waiting = 0
        for path in self.files:
            # A new edge has not made its file yet; one that ends may hold it.
            with contextlib.suppress(sqlite3.Error):
                connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
                try:
                    found = [UUID(bytes=row[0]) for row in connection.execute("SELECT id FROM entries")]
                finally:
                    connection.close()
                self.seen.update(found)
                waiting += len(found)
        return waiting
