"""A new face model: templates are made again from the pictures that were kept, beside those of the model before.

Both models are served meanwhile, since a template belongs to its model. Every photo is a transaction of its own, and a
photo that has its template is left alone, so the work goes on where it was stopped. A campus that keeps no pictures has
none to make templates from: its people are asked for new photos.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Exists, exists, func, or_, select

from database import Database, Sealer
from enrollment import photos, templates
from enrollment.assessment import Engine, embed
from enrollment.parallel_map import map_in_order
from enrollment.photo import decode
from enrollment.tables import PhotoImage, PhotoRecord, PhotoState, TemplateRecord, TemplateState
from models.template import Template
from web.problems import NotFoundError

Progress = Callable[[int, int], None]
"""Called with the number of photos done and of all."""

_STATES = {PhotoState.APPROVED: TemplateState.ACTIVE, PhotoState.IN_REVIEW: TemplateState.CANDIDATE}
"""Photos that need templates, and what their templates are."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done."""

    made: int
    faceless: int
    """Pictures in which the new model's detector finds no face."""
    without_picture: int
    """People none of whose photos has the model's template, or a picture to make it from: new photos are needed."""


def rebuild(
    database: Database,
    sealer: Sealer,
    engine: Engine,
    *,
    now: Callable[[], datetime],
    progress: Progress | None = None,
    workers: int = 1,
) -> Rebuilt:
    """Make the missing templates of the engine's model, of `workers` photos at a time.

    Raises:
        database.SealingError: a picture lies under a key that is not configured.
    """
    waiting = _find_waiting(database, engine.model_id)
    made = 0
    faceless: list[UUID] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="rebuild") as pool:
        templates_made = map_in_order(
            waiting, lambda photo_id: _make_template(database, sealer, engine, photo_id), pool
        )
        for done, (photo_id, template) in enumerate(templates_made, start=1):
            if template is None:
                faceless.append(photo_id)
            else:
                made += _store_template(database, sealer, photo_id, template, now())
            if progress:
                progress(done, len(waiting))
    # A picture that was erased while this ran – its photo replaced or withdrawn – lacks no face.
    missing = set(faceless) & set(_find_waiting(database, engine.model_id))
    return Rebuilt(made, len(missing), _count_without_picture(database, engine.model_id))


def _find_waiting(database: Database, model_id: str) -> list[UUID]:
    with database.read() as session:
        return list(
            session.scalars(
                select(PhotoRecord.id)
                .join(PhotoImage, PhotoImage.photo_id == PhotoRecord.id)
                .where(PhotoRecord.state.in_(list(_STATES)), ~_has_template(model_id))
                .order_by(PhotoRecord.id)
            )
        )


def _make_template(database: Database, sealer: Sealer, engine: Engine, photo_id: UUID) -> Template | None:
    with database.read() as session:
        try:
            content = photos.read_picture(session, sealer, photo_id)
        except NotFoundError:
            return None  # erased since the work began
    photo = decode(content)
    return embed(photo, engine.detect(photo.image), engine)


def _store_template(database: Database, sealer: Sealer, photo_id: UUID, template: Template, now: datetime) -> bool:
    """Keep the template, unless its photo was decided otherwise meanwhile or another process was faster."""
    with database.begin() as session:
        record = photos.get(session, photo_id, lock=True)
        state = _STATES.get(PhotoState(record.state))
        there = select(_has_template(template.model_id)).where(PhotoRecord.id == photo_id)
        if state is None or session.scalar(there):
            return False
        templates.store(session, sealer, record.person_id, template, at=now, photo_id=photo_id, state=state)
    return True


def _count_without_picture(database: Database, model_id: str) -> int:
    with database.read() as session:
        has_picture = exists().where(PhotoImage.photo_id == PhotoRecord.id)
        approved = select(PhotoRecord.person_id).where(PhotoRecord.state == PhotoState.APPROVED)
        helped = approved.where(or_(_has_template(model_id), has_picture))
        without = approved.where(PhotoRecord.person_id.not_in(helped)).distinct()
        return session.scalar(select(func.count()).select_from(without.subquery())) or 0


def _has_template(model_id: str) -> Exists:
    return exists().where(
        TemplateRecord.photo_id == PhotoRecord.id,
        TemplateRecord.model_id == model_id,
        TemplateRecord.state != TemplateState.WITHDRAWN,
    )
