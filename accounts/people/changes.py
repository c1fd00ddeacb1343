"""The change feed of people: whoever must follow them (the gates' directories) reads it in order and misses nothing.

`record` is called in the transaction of the change. Sequence numbers are handed out in the order of commits, so a
reader that has seen `seq` has seen everything before it: on PostgreSQL a number is otherwise taken before the commit,
and a slow transaction would appear behind a reader that has passed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from accounts.audit.commit_order import keep_order
from accounts.tables import PersonChange

_NOTED = "campusgate_people_changed"


@dataclass(frozen=True, slots=True)
class Change:
    """That something about a person changed; what, the reader looks up."""

    seq: int
    person_id: UUID


def record(session: Session, person_id: UUID, *more: UUID) -> None:
    """Note that people changed, in the caller's transaction."""
    keep_order(session)
    now = datetime.now(UTC)
    session.execute(insert(PersonChange), [{"person_id": one, "at": now} for one in (person_id, *more)])
    session.info[_NOTED] = True


def take_noted(session: Session) -> bool:
    """Return whether people were noted as changed in a session that was just committed; once."""
    return bool(session.info.pop(_NOTED, False))


def since(session: Session, seq: int, *, limit: int = 1000) -> Sequence[Change]:
    """Return the changes after `seq`, oldest first, at most `limit`."""
    rows = session.execute(
        select(PersonChange.seq, PersonChange.person_id)
        .where(PersonChange.seq > seq)
        .order_by(PersonChange.seq)
        .limit(limit)
    )
    return [Change(number, person_id) for number, person_id in rows]


def latest(session: Session) -> int:
    """Return the newest sequence number, 0 when nothing has changed yet."""
    return session.scalar(select(func.max(PersonChange.seq))) or 0


def forget(session: Session, before: datetime) -> int:
    """Delete changes older than `before` and return how many; the newest always stays, so numbers never repeat."""
    newest = latest(session)
    deleted = session.execute(delete(PersonChange).where(PersonChange.at < before, PersonChange.seq < newest))
    return int(getattr(deleted, "rowcount", 0))
