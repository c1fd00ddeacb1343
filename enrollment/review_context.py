"""What a reviewer sees beside a photo: who its person is, who is like them, and pictures of those to compare.

A picture of somebody else is shown only to a reviewer of a photo that is like it, and each look is audited.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.tables import Person
from database import Sealer
from enrollment import photos
from enrollment.photo_pairs import STANDING
from enrollment.tables import PhotoImage, PhotoRecord, PhotoState, PhotoThumbnail
from web.problems import NotFoundError

_BATCH = 500


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """The people of some photos and of their look-alikes, by id, and whose picture can be shown for which photo."""

    people: dict[UUID, Person]
    pictured: dict[UUID, list[UUID]]
    """By person: the ids of photos of theirs that have a picture or thumbnail, the one to be shown first."""

    def picture_of(self, photo: PhotoRecord, person_id: UUID) -> UUID | None:
        """Return the photo that shows `person_id` beside `photo`, or None."""
        return next((one for one in self.pictured.get(person_id, ()) if one != photo.id), None)


EMPTY_CONTEXT = ReviewContext({}, {})


def look_alikes(photo: PhotoRecord) -> list[UUID]:
    """Return who else is like the photo, the most alike first."""
    return [UUID(one["person_id"]) for one in (photo.identity or {}).get("duplicates", [])]


def load_review_context(session: Session, found: Iterable[PhotoRecord]) -> ReviewContext:
    """Return what is needed to show `found` to a reviewer, in three queries whatever their number."""
    wanted = list({person for photo in found for person in (photo.person_id, *look_alikes(photo))})
    people: dict[UUID, Person] = {}
    pictured: dict[UUID, list[UUID]] = {}
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        people.update({person.id: person for person in session.scalars(select(Person).where(Person.id.in_(part)))})
        for person_id, photo_id in _query_pictured(session, part):
            pictured.setdefault(person_id, []).append(photo_id)
    return ReviewContext(people, pictured)


def read_look_alike_picture(
    session: Session, sealer: Sealer, photo: PhotoRecord, person_id: UUID, *, by: str, now: datetime
) -> bytes:
    """Return a JPEG of somebody whom `photo` was found to be like; the look is audited.

    Raises:
        NotFoundError: the photo is not like this person, or no picture of theirs is kept.
    """
    if person_id not in look_alikes(photo):
        raise NotFoundError("this photo was not found to be like that person")
    content = _read_picture(session, sealer, photo, person_id)
    audit.record(
        session,
        actor=by,
        action="photo.compare",
        subject=f"photo:{photo.id}",
        now=now,
        details={"person": str(person_id)},
    )
    return content


def read_previous_picture(session: Session, sealer: Sealer, photo: PhotoRecord) -> bytes:
    """Return a JPEG of the photo's own person as they were approved before.

    Raises:
        NotFoundError: no other picture of theirs is kept.
    """
    return _read_picture(session, sealer, photo, photo.person_id)


def _read_picture(session: Session, sealer: Sealer, photo: PhotoRecord, person_id: UUID) -> bytes:
    shown = load_review_context(session, [photo]).picture_of(photo, person_id)
    if shown is None:
        raise NotFoundError("no picture of this person is kept")
    return photos.read_small_picture(session, sealer, shown)


def _query_pictured(session: Session, people: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Return (person, photo) of standing photos that can be shown: approved ones first, the newest first."""
    rows = session.execute(
        select(PhotoRecord.person_id, PhotoRecord.id, PhotoRecord.state)
        .outerjoin(PhotoImage, PhotoImage.photo_id == PhotoRecord.id)
        .outerjoin(PhotoThumbnail, PhotoThumbnail.photo_id == PhotoRecord.id)
        .where(
            PhotoRecord.person_id.in_(people),
            PhotoRecord.state.in_(STANDING),
            PhotoImage.photo_id.is_not(None) | PhotoThumbnail.photo_id.is_not(None),
        )
        .order_by(PhotoRecord.id.desc())
    ).all()
    ordered = sorted(rows, key=lambda row: row.state != PhotoState.APPROVED)
    return [(row.person_id, row.id) for row in ordered]
