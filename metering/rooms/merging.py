"""Rooms of two accounts of one person that become one: whoever has one under the account that goes moves out first.

The last day, its bill and what is left in the room's account are settled by the move.
"""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts.people.merge_parts import Foreseen, MergeObstacle
from accounts.tables import Person
from metering.rooms.tables import Residence


def foresee(session: Session, keep: Person, gone: Person, *, now: datetime) -> Foreseen:  # noqa: ARG001
    """Say whether the account that goes has a room, today or later."""
    lives = select(Residence.id).where(
        Residence.person_id == gone.id, or_(Residence.moved_out.is_(None), Residence.moved_out > now.date())
    )
    found = session.scalars(lives.limit(1)).first()
    return Foreseen(frozenset({MergeObstacle.LIVES_IN_ROOM} if found is not None else ()))


def move(session: Session, keep: Person, gone: Person, *, by: str, now: datetime) -> None:
    """Move nothing: where somebody lived stays with the account of then."""
