"""Templates of people: sealed at rest, bound to their model, gone for good when withdrawn.

Every change is recorded for the directories of the gates (`accounts.people.changes`), in the same transaction.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from accounts.people import changes
from database import Database, Sealer, new_id
from enrollment.tables import TemplateRecord, TemplateState
from models.template import Template, mean_template

_BATCH = 500
"""People asked for in one query: SQLite and PostgreSQL limit the parameters of a statement."""


def store(
    session: Session,
    sealer: Sealer,
    person_id: UUID,
    template: Template,
    *,
    at: datetime,
    photo_id: UUID | None = None,
    state: TemplateState = TemplateState.ACTIVE,
    source: str | None = None,
) -> UUID:
    """Keep `template` for a person, sealed, and return its id. Other templates of the person stay as they are."""
    record = TemplateRecord(
        id=new_id(),
        person_id=person_id,
        photo_id=photo_id,
        model_id=template.model_id,
        state=state,
        source=source,
        made_at=at,
    )
    record.sealed = sealer.seal(template.to_bytes(), context(record.id))
    session.add(record)
    if state is TemplateState.ACTIVE:
        changes.record(session, person_id)
    return record.id


def load_active(
    session: Session, sealer: Sealer, model_id: str, person_ids: Collection[UUID] | None = None
) -> dict[UUID, tuple[Template, ...]]:
    """Return the active templates of `model_id` by person, the oldest first; of everyone when `person_ids` is None.

    People without a template of this model are missing from the answer.

    Raises:
        database.SealingError: a template was sealed under a key that is not configured, or was changed.
    """
    return _load(session, sealer, model_id, person_ids, (TemplateState.ACTIVE,))


def load_means(
    session: Session, sealer: Sealer, model_id: str, person_ids: Collection[UUID] | None = None
) -> dict[UUID, Template]:
    """Return the template of `model_id` that gates search, by person: the mean of those of their approved photos.

    It is made when it is asked for, so that a photo that goes leaves the other's template behind. Otherwise as
    `load_active`.
    """
    found = load_active(session, sealer, model_id, person_ids)
    return {person_id: mean_template(own) for person_id, own in found.items()}


def load_means_by_model(
    session: Session, sealer: Sealer, model_ids: Collection[str], person_ids: Collection[UUID]
) -> dict[UUID, dict[str, Template]]:
    """Return the templates of several models by person and model, as `load_means`."""
    found: defaultdict[UUID, dict[str, Template]] = defaultdict(dict)
    for model_id in model_ids:
        for person_id, mean in load_means(session, sealer, model_id, person_ids).items():
            found[person_id][model_id] = mean
    return dict(found)


def load_active_and_candidates(
    session: Session, sealer: Sealer, model_id: str, person_ids: Collection[UUID] | None = None
) -> dict[UUID, tuple[Template, ...]]:
    """Like `load_active`, with the templates of photos that still wait for their review."""
    return _load(session, sealer, model_id, person_ids, (TemplateState.ACTIVE, TemplateState.CANDIDATE))


def load_for_comparison(
    session: Session, sealer: Sealer, model_id: str, person_id: UUID
) -> tuple[tuple[Template, ...], tuple[Template, ...]]:
    """Return a person's active templates and their references, as `load_active` and `load_references`, in one query."""
    states = (TemplateState.ACTIVE, TemplateState.REFERENCE)
    found: dict[TemplateState, list[Template]] = {state: [] for state in states}
    rows = session.execute(
        select(TemplateRecord.id, TemplateRecord.state, TemplateRecord.sealed)
        .where(
            TemplateRecord.person_id == person_id,
            TemplateRecord.model_id == model_id,
            TemplateRecord.state.in_(states),
        )
        .order_by(TemplateRecord.id)
    )
    for template_id, state, sealed in rows:
        found[TemplateState(state)].append(Template.from_bytes(sealer.open(sealed or b"", context(template_id))))
    return tuple(found[TemplateState.ACTIVE]), tuple(found[TemplateState.REFERENCE])


def load_references(session: Session, sealer: Sealer, model_id: str, person_id: UUID) -> tuple[Template, ...]:
    """Return the templates of a person's identity document or admission photo; they open no gate."""
    return _load(session, sealer, model_id, [person_id], (TemplateState.REFERENCE,)).get(person_id, ())


def load_by_id(session: Session, sealer: Sealer, template_ids: Collection[UUID]) -> dict[UUID, Template]:
    """Return templates that have not been withdrawn, by their own id.

    Raises:
        database.SealingError: as `load_active`.
    """
    found: dict[UUID, Template] = {}
    wanted = list(template_ids)
    for start in range(0, len(wanted), _BATCH):
        rows = session.execute(
            select(TemplateRecord.id, TemplateRecord.sealed).where(
                TemplateRecord.id.in_(wanted[start : start + _BATCH]), TemplateRecord.sealed.is_not(None)
            )
        )
        for template_id, sealed in rows:
            found[template_id] = Template.from_bytes(sealer.open(sealed or b"", context(template_id)))
    return found


def find_models(session: Session, photo_id: UUID) -> set[str]:
    """Return the models of which a photo has a template that has not been withdrawn."""
    query = select(TemplateRecord.model_id).where(
        TemplateRecord.photo_id == photo_id, TemplateRecord.state != TemplateState.WITHDRAWN
    )
    return set(session.scalars(query))


def activate(session: Session, photo_id: UUID) -> int:
    """Turn the candidates of a photo into active templates and return how many there were."""
    records = session.scalars(
        select(TemplateRecord).where(
            TemplateRecord.photo_id == photo_id, TemplateRecord.state == TemplateState.CANDIDATE
        )
    ).all()
    for record in records:
        record.state = TemplateState.ACTIVE
        changes.record(session, record.person_id)
    return len(records)


def deactivate(session: Session, photo_id: UUID) -> int:
    """Turn the active templates of a photo back into candidates, and return how many there were."""
    records = session.scalars(
        select(TemplateRecord).where(TemplateRecord.photo_id == photo_id, TemplateRecord.state == TemplateState.ACTIVE)
    ).all()
    for record in records:
        record.state = TemplateState.CANDIDATE
        changes.record(session, record.person_id)
    return len(records)


def withdraw(
    session: Session, person_id: UUID, *, at: datetime, photo_id: UUID | None = None, keep_photo_id: UUID | None = None
) -> int:
    """Erase a person's templates – all, those of one photo, or all but those of one – and return how many."""
    statement = (
        update(TemplateRecord)
        .where(TemplateRecord.person_id == person_id, TemplateRecord.state != TemplateState.WITHDRAWN)
        .values(state=TemplateState.WITHDRAWN, sealed=None, withdrawn_at=at)
        .returning(TemplateRecord.id)
    )
    if photo_id is not None:
        statement = statement.where(TemplateRecord.photo_id == photo_id)
    if keep_photo_id is not None:
        statement = statement.where(TemplateRecord.photo_id.is_distinct_from(keep_photo_id))
    erased = len(session.scalars(statement).all())
    if erased:
        changes.record(session, person_id)
    return erased


def forget_model(database: Database, model_id: str, *, now: datetime) -> int:
    """Erase every template of a model, and return how many; a little at a time.

    Whoever opened gates by it has nothing else from then on, or what they have of another model.
    """
    erased = 0
    while True:
        with database.begin() as session:
            some = (
                select(TemplateRecord.id, TemplateRecord.person_id, TemplateRecord.state)
                .where(TemplateRecord.model_id == model_id, TemplateRecord.state != TemplateState.WITHDRAWN)
                .limit(_BATCH)
            )
            rows = session.execute(some).all()
            ids = [row.id for row in rows]
            session.execute(
                update(TemplateRecord)
                .where(TemplateRecord.id.in_(ids))
                .values(state=TemplateState.WITHDRAWN, sealed=None, withdrawn_at=now)
            )
            if people := {row.person_id for row in rows if row.state == TemplateState.ACTIVE}:
                changes.record(session, *sorted(people))
        if not ids:
            return erased
        erased += len(ids)


def _load(
    session: Session,
    sealer: Sealer,
    model_id: str,
    person_ids: Collection[UUID] | None,
    states: tuple[TemplateState, ...],
) -> dict[UUID, tuple[Template, ...]]:
    statement = (
        select(TemplateRecord.id, TemplateRecord.person_id, TemplateRecord.sealed)
        .where(TemplateRecord.model_id == model_id, TemplateRecord.state.in_(states))
        .order_by(TemplateRecord.person_id, TemplateRecord.id)
    )
    found: defaultdict[UUID, list[Template]] = defaultdict(list)
    wanted = None if person_ids is None else list(person_ids)
    parts = [None] if wanted is None else [wanted[at : at + _BATCH] for at in range(0, len(wanted), _BATCH)]
    for part in parts:
        chosen = statement if part is None else statement.where(TemplateRecord.person_id.in_(part))
        for template_id, person_id, sealed in session.execute(chosen):
            found[person_id].append(Template.from_bytes(sealer.open(sealed or b"", context(template_id))))
    return {person_id: tuple(templates) for person_id, templates in found.items()}


def context(template_id: UUID) -> bytes:
    """Return what a sealed template is bound to."""
    return b"template:" + template_id.bytes
