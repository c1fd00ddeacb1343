"""Whether a person was told that they may give a second photo: once, and never again after they said no."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from accounts import people
from enrollment import photo_pairs
from enrollment.tables import PhotoRecord, PhotoSlot, SecondPhotoInvitation


def note_told(session: Session, person_id: UUID, *, now: datetime) -> bool:
    """Note that a person is being told, and return whether it is the first time."""
    invitation = _get(session, person_id)
    if invitation.told_at is not None or invitation.declined_at is not None:
        return False
    invitation.told_at = now
    return True


def decline(session: Session, person_id: UUID, *, now: datetime) -> None:
    """Note that a person does not want to be asked; they may give a second photo all the same."""
    people.get(session, person_id, lock=True)
    invitation = _get(session, person_id)
    invitation.declined_at = invitation.declined_at or now


def is_wanted(session: Session, person_id: UUID) -> bool:
    """Say whether to ask a person for a second photo: their first is approved, and none of a second is there.

    Whoever has said no, or has withdrawn a second one, is not asked.
    """
    seconds = exists().where(PhotoRecord.person_id == person_id, PhotoRecord.slot == PhotoSlot.SECOND)
    return (
        photo_pairs.find_first(session, person_id) is not None
        and not _has_declined(session, person_id)
        and not session.scalar(select(seconds))
    )


def _has_declined(session: Session, person_id: UUID) -> bool:
    invitation = session.get(SecondPhotoInvitation, person_id)
    return invitation is not None and invitation.declined_at is not None


def _get(session: Session, person_id: UUID) -> SecondPhotoInvitation:
    invitation = session.get(SecondPhotoInvitation, person_id)
    if invitation is None:
        invitation = SecondPhotoInvitation(person_id=person_id)
        session.add(invitation)
        session.flush()
    return invitation
