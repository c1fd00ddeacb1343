"""Photos, consent and notices of two accounts of one person that become one.

The face is the same person's. Photos, templates and the consent to them move together where the account that stays has
no photo; else they are withdrawn as if the person had asked, and leave every gate.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from accounts import audit
from accounts.people.merge_parts import Foreseen, MergeMove, MergeObstacle
from accounts.tables import Person
from enrollment import consent
from enrollment.photo_states import PRESENT
from enrollment.tables import (
    Consent,
    Notice,
    PhotoRecord,
    PhotoState,
    SecondPhotoInvitation,
    TemplateRecord,
    TemplateState,
)

_UNDECIDED = (PhotoState.UPLOADED, PhotoState.CHECKED, PhotoState.IN_REVIEW)


def foresee(session: Session, keep: Person, gone: Person, *, now: datetime) -> Foreseen:  # noqa: ARG001
    """Say how many photos, references and notices would move, or be withdrawn."""
    present = _count(session, PhotoRecord.person_id, gone, PhotoRecord.state.in_(PRESENT))
    kept = _count(session, PhotoRecord.person_id, keep, PhotoRecord.state.in_(PRESENT))
    undecided = _count(session, PhotoRecord.person_id, gone, PhotoRecord.state.in_(_UNDECIDED))
    references = _count(session, TemplateRecord.person_id, gone, TemplateRecord.state == TemplateState.REFERENCE)
    return Foreseen(
        frozenset({MergeObstacle.PHOTO_UNDECIDED} if undecided else ()),
        {
            MergeMove.PHOTOS_WITHDRAWN if kept else MergeMove.PHOTOS_MOVED: present,
            MergeMove.REFERENCES_MOVED: references,
            MergeMove.NOTICES_MOVED: _count(session, Notice.person_id, gone),
        },
    )


def move(session: Session, keep: Person, gone: Person, *, by: str, now: datetime) -> None:
    """Move them, or withdraw what the account that stays has its own of."""
    if _count(session, PhotoRecord.person_id, keep, PhotoRecord.state.in_(PRESENT)):
        consent.withdraw(session, gone.id, by=by, now=now)
    photos = session.scalars(select(PhotoRecord.id).where(PhotoRecord.person_id == gone.id)).all()
    for table in (PhotoRecord, TemplateRecord, Consent, Notice):
        session.execute(update(table).where(table.person_id == gone.id).values(person_id=keep.id))
    invited = session.get(SecondPhotoInvitation, gone.id)
    if invited is not None and session.get(SecondPhotoInvitation, keep.id) is None:
        told_at, declined_at = invited.told_at, invited.declined_at
        session.add(SecondPhotoInvitation(person_id=keep.id, told_at=told_at, declined_at=declined_at))
    if invited is not None:
        session.delete(invited)
    for photo_id in photos:
        audit.record(session, actor=by, action="photo.merge", subject=f"photo:{photo_id}", now=now)


def _count(session: Session, of: InstrumentedAttribute[Any], person: Person, *where: Any) -> int:
    return session.scalar(select(func.count()).where(of == person.id, *where)) or 0
