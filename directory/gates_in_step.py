"""Which of the devices that ask for changes need to be told nothing: looked up for all who ask at a moment.

Nothing is remembered. Whoever holds, of this moment's directory, everything, and said so before, is answered without a
page; for everybody else nothing is found here.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from access.snapshot import View, add_digest, digest_of_published
from database import table_of
from directory.list_tables import SharedList
from directory.tables import DirectoryState, EdgeModels, GateApplied, GateRecord


class Question(NamedTuple):
    """What a device says when it asks for changes. `models`: the face models that an edge can run."""

    gate: str
    device_id: UUID
    view: View
    since: int
    revoked_since: int
    held: str
    models: tuple[str, ...] | None


class InStep(NamedTuple):
    """That a device is in step; `wanted` are the models that it should be able to run."""

    wanted: tuple[str, ...]


_GATES, _LISTS, _APPLIED, _EDGES = (table_of(one) for one in (GateRecord, SharedList, GateApplied, EdgeModels))
_STATE = table_of(DirectoryState)
_SELECT_GATES = (
    select(
        _GATES.c.name,
        _GATES.c.published,
        _GATES.c.model_id,
        _GATES.c.models,
        _GATES.c.revision,
        _GATES.c.full_total,
        _GATES.c.cards_total,
        _LISTS.c.revision.label("list_revision"),
        _LISTS.c.full_total.label("list_full"),
        _LISTS.c.cards_total.label("list_cards"),
    )
    .join(_LISTS, _LISTS.c.id == _GATES.c.list_id)
    .where(_GATES.c.name.in_(bindparam("gates", expanding=True)))
)
_SELECT_APPLIED = select(
    _APPLIED.c.gate, _APPLIED.c.view, _APPLIED.c.device_id, _APPLIED.c.revision, _APPLIED.c.digest
).where(_APPLIED.c.device_id.in_(bindparam("devices", expanding=True)))
_SELECT_EDGES = select(_EDGES.c.device_id, _EDGES.c.models).where(
    _EDGES.c.device_id.in_(bindparam("devices", expanding=True))
)
_SELECT_STATE = select(_STATE.c.models).where(_STATE.c.assembled.is_not(None))


def find(session: Session, asked: Collection[Question]) -> Mapping[Question, InStep]:
    """Return the questions of devices that are in step, whose acknowledgement and models are on record."""
    used = session.scalar(_SELECT_STATE)
    if used is None:
        return {}
    names = [one.gate for one in asked]
    gates = {row.name: row for row in session.execute(_SELECT_GATES, {"gates": names})}
    devices = {"devices": [one.device_id for one in asked]}
    applied = {tuple(row[:3]): (row.revision, row.digest) for row in session.execute(_SELECT_APPLIED, devices)}
    runs: dict[UUID, Sequence[str] | None] = {}
    if any(one.view == "full" for one in asked):
        runs = {row.device_id: row.models for row in session.execute(_SELECT_EDGES, devices)}
    found = {}
    for one in asked:
        gate = gates.get(one.gate)
        said = applied.get((one.gate, one.view, one.device_id))
        if gate is None or said != (one.since, one.held) or not _holds_everything(gate, one):
            continue
        if one.view == "cards":
            found[one] = InStep(())
        elif one.models is not None and one.device_id in runs and runs[one.device_id] == list(one.models):
            wanted = _find_wanted(gate, used)
            if {*wanted, *(gate.models or ())} <= set(one.models):
                found[one] = InStep(wanted)
    return found


def _holds_everything(gate: Any, asked: Question) -> bool:
    latest = max(gate.revision, gate.list_revision)
    if not gate.published or (asked.since, asked.revoked_since) != (latest, latest):
        return False
    own, shared = (gate.full_total, gate.list_full) if asked.view == "full" else (gate.cards_total, gate.list_cards)
    total = add_digest(int.from_bytes(own, "big"), int.from_bytes(shared, "big"))
    return hmac.compare_digest(digest_of_published(gate.published, total), asked.held)


def _find_wanted(gate: Any, used: Sequence[str]) -> tuple[str, ...]:
    """Return the models that an edge should be able to run; one that lacks any is answered elsewhere."""
    if not gate.models:
        return ()
    own = [gate.model_id] if gate.model_id in used else []
    return tuple(dict.fromkeys((*own, *used)))
