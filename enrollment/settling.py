"""What decisions leave over once they can no longer be undone: replaced templates, pictures nobody needs any more."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.orm import Session

from enrollment import templates
from enrollment.decisions import UNDO_WINDOW
from enrollment.photos import erase_pictures
from enrollment.tables import PhotoImage, PhotoRecord, PhotoState, PhotoThumbnail, TemplateRecord, TemplateState


def settle(
    session: Session,
    *,
    now: datetime,
    keep_pictures: bool = False,
    keep_thumbnails: bool = True,
    limit: int = 500,
) -> int:
    """Erase what decisions that can no longer be undone have left over, and return for how many photos.

    Replaced photos lose their templates and pictures; approved ones what is not to be kept. At most `limit` photos of
    each kind are cleared, so that nobody waits long for the database.
    """
    old = PhotoRecord.decided_at < now - UNDO_WINDOW
    has_anything = or_(
        exists().where(PhotoImage.photo_id == PhotoRecord.id),
        exists().where(PhotoThumbnail.photo_id == PhotoRecord.id),
        exists().where(TemplateRecord.photo_id == PhotoRecord.id, TemplateRecord.state != TemplateState.WITHDRAWN),
    )
    replaced = session.scalars(
        select(PhotoRecord).where(PhotoRecord.state == PhotoState.REPLACED, old, has_anything).limit(limit)
    ).all()
    for photo in replaced:
        templates.withdraw(session, photo.person_id, at=now, photo_id=photo.id)
    erase_pictures(session, [photo.id for photo in replaced])
    settled = {photo.id for photo in replaced}
    for table, is_kept in ((PhotoImage, keep_pictures), (PhotoThumbnail, keep_thumbnails)):
        if not is_kept:
            settled |= _erase_of_approved(session, table, old, limit)
    return len(settled)


def _erase_of_approved(
    session: Session, table: type[PhotoImage | PhotoThumbnail], old: ColumnElement[bool], limit: int
) -> set[UUID]:
    approved = session.scalars(
        select(table.photo_id)
        .join(PhotoRecord, PhotoRecord.id == table.photo_id)
        .where(PhotoRecord.state == PhotoState.APPROVED, old)
        .limit(limit)
    ).all()
    session.execute(delete(table).where(table.photo_id.in_(approved)))
    return set(approved)
