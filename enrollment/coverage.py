"""How far a campus has come from one face model to another: whom it can recognise by which."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session, aliased

from accounts.tables import Person
from accounts.vocabulary import PersonState
from enrollment.tables import PhotoImage, TemplateRecord, TemplateState


@dataclass(frozen=True, slots=True)
class ModelCoverage:
    """The people whom a model recognises and no model before it in the order of preference does."""

    model_id: str
    people: int
    with_picture: int
    """Of those, how many have a photo whose picture is kept: other templates can be made from it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Everybody whose account is not closed, each counted once."""

    models: tuple[ModelCoverage, ...]
    """In the order of preference; of the first, all who have a template of it."""
    without: int
    """People without a template of any of the models."""

    @property
    def people(self) -> int:
        """How many there are."""
        return sum(model.people for model in self.models) + self.without


def find_coverage(session: Session, models: Sequence[str]) -> Coverage:
    """Count people by the first of `models` that they have an active template of."""
    if not models:
        return Coverage((), _count_people(session))
    rank = case({model_id: number for number, model_id in enumerate(models)}, value=TemplateRecord.model_id)
    best = (
        select(
            func.min(rank).label("best"),
            func.max(case((PhotoImage.photo_id.is_not(None), 1), else_=0)).label("picture"),
        )
        .join(Person, Person.id == TemplateRecord.person_id)
        .outerjoin(PhotoImage, PhotoImage.photo_id == TemplateRecord.photo_id)
        .where(
            TemplateRecord.state == TemplateState.ACTIVE,
            TemplateRecord.model_id.in_(models),
            Person.state != PersonState.CLOSED,
        )
        .group_by(TemplateRecord.person_id)
        .subquery()
    )
    rows = session.execute(select(best.c.best, func.count(), func.sum(best.c.picture)).group_by(best.c.best))
    found = {number: (people, int(pictures or 0)) for number, people, pictures in rows}
    counted = tuple(ModelCoverage(model_id, *found.get(number, (0, 0))) for number, model_id in enumerate(models))
    return Coverage(counted, _count_people(session) - sum(model.people for model in counted))


def is_needed(session: Session, model_id: str, *, instead: Sequence[str]) -> bool:
    """Return whether anybody has an active template of a model and none of those `instead`."""
    other = aliased(TemplateRecord)
    others = exists().where(
        other.person_id == TemplateRecord.person_id, other.model_id.in_(instead), other.state == TemplateState.ACTIVE
    )
    active = TemplateRecord.model_id == model_id, TemplateRecord.state == TemplateState.ACTIVE
    return session.scalar(select(TemplateRecord.id).where(*active, ~others).limit(1)) is not None


def _count_people(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Person).where(Person.state != PersonState.CLOSED)) or 0
