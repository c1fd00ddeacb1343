"""Visitor passes and what gates heed of two accounts of one person that become one."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from accounts.people.merge_parts import Foreseen, MergeMove
from accounts.tables import Person
from directory import people
from directory.tables import GatePerson, VisitorPass


def foresee(session: Session, keep: Person, gone: Person, *, now: datetime) -> Foreseen:  # noqa: ARG001
    """Say how many passes would move, and whether needs are kept. A PIN is chosen anew."""
    standing = select(func.count()).select_from(VisitorPass)
    standing = standing.where(
        VisitorPass.person_id == gone.id, VisitorPass.ended_at.is_(None), VisitorPass.valid_until > now
    )
    needs = session.get(GatePerson, gone.id)
    return Foreseen(
        moves={
            MergeMove.PASSES_MOVED: session.scalar(standing) or 0,
            MergeMove.NEEDS_KEPT: int(needs is not None and (needs.needs_card_and_face or needs.extended_time)),
        }
    )


def move(session: Session, keep: Person, gone: Person, *, by: str, now: datetime) -> None:
    """Move passes that hold, and keep what gates must heed."""
    session.execute(
        update(VisitorPass)
        .where(VisitorPass.person_id == gone.id, VisitorPass.ended_at.is_(None))
        .values(person_id=keep.id)
    )
    session.execute(update(VisitorPass).where(VisitorPass.host_id == gone.id).values(host_id=keep.id))
    needs = session.get(GatePerson, gone.id)
    if needs is not None and (needs.needs_card_and_face or needs.extended_time):
        people.set_needs(
            session,
            keep.id,
            needs_card_and_face=needs.needs_card_and_face or None,
            extended_time=needs.extended_time or None,
            by=by,
            now=now,
        )
