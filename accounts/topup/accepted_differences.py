"""Differences of bills that somebody looked into and accepted, with what both sides said then.

If either side says something else later, that is another difference, and open.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.topup.tables import AcceptedDifference

_DIFFERENCES = UUID("b2c0a9be-7c4b-5d6e-9a35-4f0d1c6b8e21")


def id_of(channel: str, day: date, kind: str, about: UUID, *, ours: int | None, theirs: int | None) -> UUID:
    """Return the id of an acceptance, which is the same for the same difference."""
    return uuid5(_DIFFERENCES, f"{channel} {day} {kind} {about} {ours} {theirs}")


def find(session: Session, channel: str, day: date) -> Sequence[AcceptedDifference]:
    """Return what was accepted of a channel's day, the oldest first."""
    row = AcceptedDifference
    query = select(row).where(row.channel == channel, row.day == day)
    return session.scalars(query.order_by(row.accepted_at, row.id)).all()
