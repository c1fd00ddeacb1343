"""Which face models a campus uses and by which of them each gate matches people, while it changes from one to another.

The campus uses the model of its settings and every one before it until its templates are forgotten. A gate has a model
of its own, the campus's or one that administrators chose for it; whoever has no template of that one is matched by
another of the campus's. A gate gets only templates of models that its edges say they can run.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from accounts import audit
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from database import Database
from directory.feed import NotPublishedError
from directory.gates import policy_of
from directory.list_tables import SharedModel
from directory.tables import DirectoryState, EdgeModels, GateApplied, GateModel, GateRecord
from enrollment import coverage
from web.problems import NotFoundError, ProblemError


class UnknownFaceModelError(ProblemError):
    """The campus has no templates of this model and makes none."""

    code = "unknown_face_model"
    status = 422
    title = "The campus does not use this face model"


def find_used(state: DirectoryState, wanted: Sequence[str]) -> list[str]:
    """Return the models that the campus uses: the `wanted` ones of its settings, then those it used before.

    None without `wanted` ones: such a campus has no faces.
    """
    return list(dict.fromkeys((*wanted, *state.models))) if wanted else []


def choose(gate: GateRecord, used: Sequence[str], runnable: frozenset[str] | None) -> tuple[str, ...]:
    """Return the models by which people are matched at a gate, its own first.

    `used` are the campus's, `runnable` those that every edge of the gate can run, None where no edge is known yet. A
    gate whose edges can run none of them stays with the model that it has.
    """
    own = [gate.model_id] if gate.model_id is not None and gate.model_id in used else []
    ordered = tuple(dict.fromkeys((*own, *used)))
    if runnable is None:
        return ordered
    return tuple(model_id for model_id in ordered if model_id in runnable) or tuple((gate.models or ordered)[:1])


def assign_models(
    session: Session, gate: GateRecord, policy: GatePolicy, used: Sequence[str]
) -> tuple[GatePolicy, tuple[str, ...]]:
    """Return a policy of a gate as it is published, with its face model, and all by which people are matched there.

    `used` are the campus's models. A gate that asks for no face has none.
    """
    models = choose(gate, used, _find_runnable(session, gate)) if policy.uses_faces else ()
    return policy.model_copy(update={"model_id": models[0] if models else None}), models


def _find_runnable(session: Session, gate: GateRecord) -> frozenset[str] | None:
    """Return the models that all edges of a gate can run, None where none has been heard of.

    An edge of an older version says nothing: it runs the one model that the gate has.
    """
    edges = session.execute(
        select(Device.id, EdgeModels.device_id, EdgeModels.models)
        .outerjoin(EdgeModels, EdgeModels.device_id == Device.id)
        .where(Device.gate == gate.name, Device.role == DeviceRole.EDGE, Device.revoked_at.is_(None))
    ).all()
    applied = select(GateApplied.device_id).where(GateApplied.gate == gate.name, GateApplied.view == "full")
    heard = set(session.scalars(applied)) if any(said_by is None for _, said_by, _ in edges) else set()
    runnable: frozenset[str] | None = None
    for device_id, said_by, models in edges:
        if said_by is None and device_id not in heard:
            continue
        own = frozenset(models) if models is not None else frozenset((gate.models or ())[:1])
        runnable = own if runnable is None else runnable & own
    return runnable


def hear(database: Database, gate: str, device_id: UUID, said: Sequence[str] | None, now: datetime) -> list[str]:
    """Take note of the models that an edge says it can run; return those that it should be able to.

    `said` is None for an edge of an older version, which runs one.

    Raises:
        NotFoundError: no such gate.
        NotPublishedError: what is published holds templates of a model that the edge cannot run; another
            directory is on its way.
    """
    with database.read() as session:
        record, known = session.get(GateRecord, gate), session.get(EdgeModels, device_id)
        if record is None:
            raise NotFoundError(f"there is no gate {gate!r}")
        is_known = known is not None and known.models == (None if said is None else list(said))
        if is_known and _can_use(record, said):
            return _find_wanted(session, record, said)
    with database.begin() as session:
        record = session.scalars(select(GateRecord).where(GateRecord.name == gate).with_for_update()).one()
        session.merge(EdgeModels(device_id=device_id, models=None if said is None else list(said), said_at=now))
        session.flush()
        _, models = assign_models(session, record, policy_of(record), find_all(session))
        is_right = list(models) == record.models
        record.is_dirty = record.is_dirty or not is_right
        is_usable = is_right or _can_use(record, said)
        wanted = _find_wanted(session, record, said)
    if not is_usable:
        raise NotPublishedError(headers={"Retry-After": "1"})
    return wanted


def read_used_models(database: Database) -> list[str]:
    """Return the models that the campus used when its server last ran."""
    with database.read() as session:
        return find_all(session)


def find_all(session: Session) -> list[str]:
    """Return the models that the campus uses, the one it moves to or stays with first."""
    state = session.get(DirectoryState, 1)
    return state.models if state is not None else []


def forget(session: Session, model_id: str) -> None:
    """Let the campus use a model no longer; gates that had chosen it take the campus's."""
    state = session.scalar(select(DirectoryState).where(DirectoryState.id == 1).with_for_update())
    if state is not None:
        state.models = [one for one in state.models if one != model_id]
    for gate in session.scalars(select(GateRecord).where(GateRecord.model_id == model_id)):
        gate.model_id, gate.is_dirty = None, True


def set_model(session: Session, gate: GateRecord, model_id: str | None, *, by: str, now: datetime) -> None:
    """Choose the face model of a gate, None for the campus's.

    Raises:
        UnknownFaceModelError: the campus does not use it.
    """
    used = find_all(session)
    if model_id is not None and model_id not in used:
        raise UnknownFaceModelError(f"the campus uses {', '.join(used) or 'no model'}, not {model_id!r}")
    if gate.model_id == model_id:
        return
    gate.model_id, gate.is_dirty = model_id, True
    subject, details = f"gate:{gate.name}", {"model": model_id or "campus"}
    audit.record(session, actor=by, action="gate.model", subject=subject, now=now, details=details)


def count(
    session: Session,
    table: type[SharedModel] | type[GateModel],
    key: UUID | str,
    changes: Mapping[str, int],
    now: datetime,
) -> None:
    """Add to the number of people whom a list, or a gate beside its list, matches by each model."""
    for model_id, change in changes.items():
        if change == 0:
            continue
        row: Any = session.get(table, (key, model_id))
        if row is None:
            owner = {"list_id" if table is SharedModel else "gate": key}
            row = table(**owner, model_id=model_id, people=0)
            session.add(row)
        row.people, row.changed_at = row.people + change, now


def _can_use(gate: GateRecord, said: Sequence[str] | None) -> bool:
    """Return whether an edge can use everything that is published; one of an older version uses one model's."""
    published = gate.models or ()
    return len(published) <= 1 if said is None else set(published) <= set(said)


def _find_wanted(session: Session, gate: GateRecord, said: Sequence[str] | None) -> list[str]:
    """Return the gate's own model, and the others without which people who may pass are not recognised there."""
    if said is None or not policy_of(gate).uses_faces:
        return []
    ordered = choose(gate, find_all(session), None)
    can = [model_id for model_id in ordered if model_id in said]
    lacks = [model_id for model_id in ordered if model_id not in said]
    needed = [one for one in lacks if one == ordered[0] or coverage.is_needed(session, one, instead=can)]
    return [model_id for model_id in ordered if model_id in {*can, *needed}]
