"""Tickets that any server of a campus takes: kept in the database that they share, for a minute, by their digests.

The database's clock counts their age, so that the servers' clocks need not agree. A ticket that was cancelled at one
server is over at all: none redeems it any more, and one that is being acted upon hears of it (`announce`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from database import Database
from web.tables import SharedTicket

TOPIC = "ticket over "
"""Begins an announcement that the ticket with the digest behind it is over."""
_KEPT = timedelta(minutes=1)
"""How long a dead ticket is remembered, so that it is told from one that never was."""


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket that some server issued."""

    person_id: UUID
    action: str
    age_s: float
    is_void: bool


class SharedTickets:
    """The tickets of all servers over one PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Take the database; `announce`, which tells the other servers of a topic, is for the rim to set."""
        self._database = database
        self.announce: Callable[[str], None] = lambda _topic: None

    def add(self, token: str, person_id: UUID, action: str, *, most: int) -> None:
        """Keep a new ticket; of one person's only so many newest stay."""
        with self._database.begin() as session:
            now = session.scalars(select(func.clock_timestamp())).one()
            forget(session, now - _KEPT)
            newest = select(SharedTicket.digest).where(SharedTicket.person_id == person_id)
            newest = newest.order_by(SharedTicket.issued_at.desc()).offset(most - 1)
            session.execute(delete(SharedTicket).where(SharedTicket.digest.in_(newest)))
            row = SharedTicket(digest=digest_of(token), person_id=person_id, action=action, issued_at=now)
            session.add(row)

    def find(self, token: str) -> FoundTicket | None:
        """Return the ticket with this text."""
        age = func.extract("epoch", func.clock_timestamp() - SharedTicket.issued_at)
        with self._database.read() as session:
            query = select(SharedTicket, age).where(SharedTicket.digest == digest_of(token))
            found = session.execute(query).one_or_none()
        if found is None:
            return None
        # A primary that took over may have a clock that lags: nothing is younger than new.
        row, age_s = found[0], max(0.0, float(found[1]))
        return FoundTicket(row.person_id, row.action, age_s, row.is_void)

    def claim(self, token: str, request: str) -> bool:
        """Use a ticket for one request, whoever asks first; the same `request` may come again."""
        unused: ColumnElement[bool] = SharedTicket.request.is_(None)
        if request:
            unused = or_(unused, SharedTicket.request == request)
        claimed = update(SharedTicket).where(SharedTicket.digest == digest_of(token), unused)
        claimed = claimed.where(SharedTicket.is_void.is_(False)).values(request=request)
        with self._database.begin() as session:
            return session.scalar(claimed.returning(SharedTicket.digest)) is not None

    def void(self, token: str) -> None:
        """Let a ticket be over, at every server."""
        digest = digest_of(token)
        with self._database.begin() as session:
            session.execute(update(SharedTicket).where(SharedTicket.digest == digest).values(is_void=True))
        self.announce(TOPIC + digest.hex())


def digest_of(token: str) -> bytes:
    """Return what is kept of a ticket: whoever reads the database can use none."""
    return hashlib.sha256(b"campusgate ticket " + token.encode()).digest()


def forget(session: Session, before: datetime) -> None:
    """Delete tickets that were issued before a time."""
    session.execute(delete(SharedTicket).where(SharedTicket.issued_at < before))
