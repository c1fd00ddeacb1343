"""A new face model: templates are made again from the pictures that were kept, beside those of the model before.

Both models are served meanwhile, since a template belongs to its model. Every photo is a transaction of its own, and a
photo that has its template is left alone, so the work goes on where it was stopped. A campus that keeps no pictures has
none to make templates from: its people are asked for new photos.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Exists, exists, func, select

from database import Database, Sealer
from enrollment import photos, templates
from enrollment.assessment import Engine, embed
from enrollment.photo import decode
from enrollment.tables import PhotoImage, PhotoRecord, PhotoState, TemplateRecord, TemplateState

Progress = Callable[[int, int], None]
"""Called with the number of photos done and of all."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done."""

    made: int
    faceless: int
    """Pictures in which the new model's detector finds no face."""
    without_picture: int
    """Approved photos whose picture is not kept: new photos are needed."""


def rebuild(
    database: Database,
    sealer: Sealer,
    engine: Engine,
    *,
    now: Callable[[], datetime],
    progress: Progress | None = None,
) -> Rebuilt:
    """Make the missing templates of the engine's model."""
    waiting = _waiting(database, engine.model_id)
    made = faceless = 0
    for done, photo_id in enumerate(waiting, start=1):
        if _make(database, sealer, engine, photo_id, now):
            made += 1
        else:
            faceless += 1
        if progress:
            progress(done, len(waiting))
    return Rebuilt(made, faceless, _without_picture(database, engine.model_id))


def _waiting(database: Database, model_id: str) -> list[UUID]:
    with database.read() as session:
        return list(
            session.scalars(
                select(PhotoRecord.id)
                .join(PhotoImage, PhotoImage.photo_id == PhotoRecord.id)
                .where(PhotoRecord.state == PhotoState.APPROVED, ~_has_template(model_id))
                .order_by(PhotoRecord.id)
            )
        )


def _make(database: Database, sealer: Sealer, engine: Engine, photo_id: UUID, now: Callable[[], datetime]) -> bool:
    with database.read() as session:
        photo = decode(photos.picture(session, sealer, photo_id))
    template = embed(photo, engine.detect(photo.image), engine)
    if template is None:
        return False
    with database.begin() as session:
        record = photos.get(session, photo_id, lock=True)
        # Withdrawn meanwhile, or made by another process.
        if record.state == PhotoState.APPROVED and not session.scalar(
            select(_has_template(engine.model_id)).where(PhotoRecord.id == photo_id)
        ):
            templates.store(session, sealer, record.person_id, template, at=now(), photo_id=photo_id)
    return True


def _without_picture(database: Database, model_id: str) -> int:
    with database.read() as session:
        has_picture = exists().where(PhotoImage.photo_id == PhotoRecord.id)
        return (
            session.scalar(
                select(func.count())
                .select_from(PhotoRecord)
                .where(PhotoRecord.state == PhotoState.APPROVED, ~_has_template(model_id), ~has_picture)
            )
            or 0
        )


def _has_template(model_id: str) -> Exists:
    return exists().where(
        TemplateRecord.photo_id == PhotoRecord.id,
        TemplateRecord.model_id == model_id,
        TemplateRecord.state != TemplateState.WITHDRAWN,
    )
