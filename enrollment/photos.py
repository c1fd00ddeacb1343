"""Photos in the database: taken in, looked up, withdrawn; each a step in the caller's transaction.

What reviewers decide about them is in `enrollment.decisions`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from accounts import audit
from database import Sealer, new_id
from enrollment import lifecycle, photo_pairs, templates
from enrollment.assessment import Assessment
from enrollment.tables import (
    PhotoImage,
    PhotoRecord,
    PhotoSlot,
    PhotoSource,
    PhotoState,
    PhotoThumbnail,
    TemplateState,
)
from web.problems import NotFoundError


def get(session: Session, photo_id: UUID, *, lock: bool = False) -> PhotoRecord:
    """Return a photo, locked against other writers if `lock`.

    Raises:
        NotFoundError: there is none.
    """
    photo = session.get(PhotoRecord, photo_id, with_for_update=True if lock else None)
    if photo is None:
        raise NotFoundError("there is no photo with this id")
    return photo


def find_by_digest(
    session: Session, person_id: UUID, digest: str, slot: PhotoSlot = PhotoSlot.FIRST
) -> PhotoRecord | None:
    """Return the photo that the person handed in as this very file for this slot, if it was not withdrawn since."""
    return session.scalars(
        select(PhotoRecord)
        .where(
            PhotoRecord.person_id == person_id,
            PhotoRecord.digest == digest,
            PhotoRecord.slot == slot,
            PhotoRecord.state != PhotoState.WITHDRAWN,
        )
        .order_by(PhotoRecord.id.desc())
        .limit(1)
    ).first()


def find_of_person(session: Session, person_id: UUID) -> Sequence[PhotoRecord]:
    """Return a person's photos, newest first."""
    return session.scalars(
        select(PhotoRecord).where(PhotoRecord.person_id == person_id).order_by(PhotoRecord.id.desc())
    ).all()


def find_in_state(
    session: Session, person_id: UUID, *states: PhotoState, slot: PhotoSlot | None = None
) -> Sequence[PhotoRecord]:
    """Return a person's photos in one of `states`, all or those of one slot, oldest first."""
    query = select(PhotoRecord).where(PhotoRecord.person_id == person_id, PhotoRecord.state.in_(states))
    if slot is not None:
        query = query.where(PhotoRecord.slot == slot)
    return session.scalars(query.order_by(PhotoRecord.id)).all()


def store(
    session: Session,
    sealer: Sealer,
    person_id: UUID,
    assessment: Assessment,
    *,
    by: str,
    now: datetime,
    uploaded_by: UUID | None = None,
    with_thumbnail: bool = True,
    slot: PhotoSlot = PhotoSlot.FIRST,
) -> PhotoRecord:
    """Store an assessed photo with its report, its sealed picture and candidate templates; it is then `checked`.

    `with_thumbnail` keeps a small picture too, for comparison with look-alikes after the large one is erased.

    Raises:
        ValueError: the file could not be read; there is nothing to store.
    """
    if assessment.photo is None:
        raise ValueError("an unreadable photo is not stored")
    photo = PhotoRecord(
        id=new_id(),
        person_id=person_id,
        slot=slot,
        source=PhotoSource.PERSON,
        state=PhotoState.UPLOADED,
        verdict=assessment.report.verdict.value,
        digest=assessment.digest,
        report=_report_json(assessment),
        uploaded_at=now,
        uploaded_by=uploaded_by,
    )
    session.add(photo)
    failed = [result.rule for result in assessment.report.failed]
    lifecycle.step(
        session,
        photo,
        PhotoState.CHECKED,
        by=by,
        now=now,
        why={"person": str(person_id), "verdict": assessment.report.verdict.value, "failed": failed},
    )
    store_pictures(session, sealer, photo.id, assessment.picture, assessment.thumbnail if with_thumbnail else None)
    for template in assessment.templates:
        templates.store(session, sealer, person_id, template, at=now, photo_id=photo.id, state=TemplateState.CANDIDATE)
    return photo


def store_pictures(session: Session, sealer: Sealer, photo_id: UUID, picture: bytes, thumbnail: bytes | None) -> None:
    """Store the picture of a photo, and a small one if it is given, sealed; both are JPEG without metadata."""
    session.add(PhotoImage(photo_id=photo_id, sealed=sealer.seal(picture, context(photo_id))))
    if thumbnail is not None:
        sealed = sealer.seal(thumbnail, thumbnail_context(photo_id))
        session.add(PhotoThumbnail(photo_id=photo_id, sealed=sealed))


def read_picture(session: Session, sealer: Sealer, photo_id: UUID) -> bytes:
    """Return the picture of a photo as a JPEG without metadata.

    Raises:
        NotFoundError: it was deleted, as it is after approval, or never existed.
        database.SealingError: it was sealed under a key that is not configured.
    """
    image = session.get(PhotoImage, photo_id)
    if image is None:
        raise NotFoundError("the picture of this photo is not kept any more")
    return sealer.open(image.sealed, context(photo_id))


def read_small_picture(session: Session, sealer: Sealer, photo_id: UUID) -> bytes:
    """Return the picture of a photo, or the thumbnail that outlives it, as a JPEG without metadata.

    Raises:
        NotFoundError: neither is kept.
        database.SealingError: it was sealed under a key that is not configured.
    """
    thumbnail = session.get(PhotoThumbnail, photo_id)
    if thumbnail is None:
        return read_picture(session, sealer, photo_id)
    return sealer.open(thumbnail.sealed, thumbnail_context(photo_id))


def withdraw(session: Session, photo: PhotoRecord, *, by: str, now: datetime, why: str) -> None:
    """Take a photo out of use for good: its templates, its picture and what was measured on it are erased.

    Without the approved first photo, a second one that somebody has looked at takes its place; one from a gate, which
    nobody has, goes with it.

    Raises:
        lifecycle.StepError: it was withdrawn already.
    """
    lifecycle.step(session, photo, PhotoState.WITHDRAWN, by=by, now=now, why={"why": why})
    templates.withdraw(session, photo.person_id, at=now, photo_id=photo.id)
    erase_pictures(session, [photo.id])
    photo.report = photo.identity = None
    if photo.slot == PhotoSlot.FIRST and photo_pairs.find_first(session, photo.person_id) is None:
        _succeed_first(session, photo.person_id, by=by, now=now)


def _succeed_first(session: Session, person_id: UUID, *, by: str, now: datetime) -> None:
    for second in find_in_state(session, person_id, *photo_pairs.STANDING, slot=PhotoSlot.SECOND):
        if second.source == PhotoSource.GATE:
            withdraw(session, second, by=by, now=now, why="the first photo was withdrawn")
        else:
            second.slot = PhotoSlot.FIRST
            audit.record(session, actor=by, action="photo.become_first", subject=f"photo:{second.id}", now=now)


def withdraw_all(session: Session, person_id: UUID, *, by: str, now: datetime, why: str) -> int:
    """Take every photo and every template of a person out of use, and return the number of photos."""
    photos = session.scalars(
        select(PhotoRecord).where(PhotoRecord.person_id == person_id, PhotoRecord.state != PhotoState.WITHDRAWN)
    ).all()
    for photo in sorted(photos, key=lambda one: one.slot == PhotoSlot.FIRST):
        withdraw(session, photo, by=by, now=now, why=why)
    templates.withdraw(session, person_id, at=now)
    return len(photos)


def erase_pictures(session: Session, photo_ids: Sequence[UUID]) -> None:
    """Erase the pictures of photos, large and small."""
    for table in (PhotoImage, PhotoThumbnail):
        session.execute(delete(table).where(table.photo_id.in_(photo_ids)))


def _report_json(assessment: Assessment) -> dict[str, Any]:
    geometry = assessment.report.geometry
    return {**assessment.report.to_json(), "geometry": None if geometry is None else geometry.to_json()}


def context(photo_id: UUID) -> bytes:
    """Return what the sealed picture of a photo is bound to."""
    return b"photo:" + photo_id.bytes


def thumbnail_context(photo_id: UUID) -> bytes:
    """Return what the sealed thumbnail of a photo is bound to."""
    return b"thumbnail:" + photo_id.bytes
