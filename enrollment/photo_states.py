"""Where people stand with their photos, many at once: for lists of people."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from accounts.tables import Person
from enrollment.tables import PhotoRecord, PhotoState

PRESENT = (PhotoState.APPROVED, PhotoState.IN_REVIEW, PhotoState.CHECKED, PhotoState.UPLOADED, PhotoState.REJECTED)
"""What may stand for a person, the first that they have; a replaced or withdrawn photo is none."""


def find_states(session: Session, person_ids: Collection[UUID]) -> dict[UUID, PhotoState]:
    """Return the photo state of people (some hundred); who has no photo is missing."""
    query = select(PhotoRecord.person_id, PhotoRecord.state).where(
        PhotoRecord.person_id.in_(person_ids), PhotoRecord.state.in_(PRESENT)
    )
    found: dict[UUID, PhotoState] = {}
    for person_id, state in session.execute(query):
        known = found.get(person_id)
        if known is None or PRESENT.index(PhotoState(state)) < PRESENT.index(known):
            found[person_id] = PhotoState(state)
    return found


def stands_at(state: PhotoState | None) -> ColumnElement[bool]:
    """Return the condition on people that their photo stands at `state`; None for those who have none."""
    if state is None:
        return ~_has(*PRESENT)
    better = PRESENT[: PRESENT.index(state)]
    return _has(state) & ~_has(*better) if better else _has(state)


def _has(*states: PhotoState) -> ColumnElement[bool]:
    photo = aliased(PhotoRecord)
    return exists(select(photo.id).where(photo.person_id == Person.id, photo.state.in_(states)))
