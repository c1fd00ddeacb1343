"""How far a campus has come from one face model to another: people by model, and what each gate matches with."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from directory import gate_models, gates
from directory.list_tables import SharedModel
from directory.tables import EdgeModels, GateModel, GateRecord
from enrollment.coverage import Coverage, find_coverage


@dataclass(frozen=True, slots=True)
class EdgeAbility:
    """What an edge of a gate said it can run."""

    device_id: UUID
    name: str
    models: tuple[str, ...] | None
    """None: an edge of an older version, which runs one; or one that was not heard since."""
    said_at: datetime | None


@dataclass(frozen=True, slots=True)
class MatchedPeople:
    """How many people a gate matches by a model, and when that last changed."""

    model_id: str
    people: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class GateProgress:
    """One gate that asks for faces."""

    gate: str
    title: str
    model_id: str | None
    """The model that it should match with."""
    is_own_choice: bool
    """Whether administrators chose it for this gate; otherwise it is the campus's."""
    matched: tuple[MatchedPeople, ...]
    edges: tuple[EdgeAbility, ...]
    missing: tuple[str, ...]
    """Models by which people of the campus are recognised and that an edge of this gate cannot run."""

    @property
    def is_done(self) -> bool:
        """Whether everybody with a face here is matched by the gate's own model."""
        return all(one.model_id == self.model_id for one in self.matched)


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole campus; its model first."""

    models: tuple[str, ...]
    people: Coverage
    gates: tuple[GateProgress, ...]

    @property
    def forgettable(self) -> tuple[str, ...]:
        """Models that nobody needs any more: everybody has a template of the campus's, and every gate matches by it."""
        if not self.models or not all(gate.is_done and gate.model_id == self.models[0] for gate in self.gates):
            return ()
        return tuple(one.model_id for one in self.people.models[1:] if one.people == 0)


def find_progress(session: Session) -> Progress:
    """Return how far the campus and each of its gates has come."""
    used = tuple(gate_models.find_all(session))
    coverage = find_coverage(session, used)
    needed = {one.model_id for one in coverage.models if one.people} | set(used[:1])
    matched = _count_matched(session)
    edges = _find_edges(session)
    found = tuple(
        _describe(gate, used, needed, matched[gate.name], edges[gate.name])
        for gate in gates.find(session)
        if gates.policy_of(gate).uses_faces
    )
    return Progress(used, coverage, found)


def _count_matched(session: Session) -> defaultdict[str, list[MatchedPeople]]:
    """Return how many people each gate matches by each model: those of its list, and the difference of its own."""
    of_lists = select(GateRecord.name, SharedModel.model_id, SharedModel.people, SharedModel.changed_at).join(
        SharedModel, SharedModel.list_id == GateRecord.list_id
    )
    own = select(GateModel.gate, GateModel.model_id, GateModel.people, GateModel.changed_at)
    found: dict[tuple[str, str], MatchedPeople] = {}
    for gate, model_id, people, changed_at in session.execute(union_all(of_lists, own)):
        so_far = found.get((gate, model_id), MatchedPeople(model_id, 0, changed_at))
        found[gate, model_id] = MatchedPeople(model_id, so_far.people + people, max(so_far.changed_at, changed_at))
    matched: defaultdict[str, list[MatchedPeople]] = defaultdict(list)
    for (gate, _), one in sorted(found.items()):
        if one.people:
            matched[gate].append(one)
    return matched


def _find_edges(session: Session) -> defaultdict[str, list[EdgeAbility]]:
    found: defaultdict[str, list[EdgeAbility]] = defaultdict(list)
    rows = session.execute(
        select(Device, EdgeModels)
        .outerjoin(EdgeModels, EdgeModels.device_id == Device.id)
        .where(Device.role == DeviceRole.EDGE, Device.revoked_at.is_(None), Device.gate.is_not(None))
        .order_by(Device.name)
    )
    for device, said in rows:
        found[device.gate or ""].append(_read_ability(device, said))
    return found


def _read_ability(device: Device, said: EdgeModels | None) -> EdgeAbility:
    if said is None:
        return EdgeAbility(device.id, device.name, None, None)
    return EdgeAbility(device.id, device.name, None if said.models is None else tuple(said.models), said.said_at)


def _describe(
    gate: GateRecord,
    used: Sequence[str],
    needed: set[str],
    matched: Sequence[MatchedPeople],
    edges: Sequence[EdgeAbility],
) -> GateProgress:
    ordered = gate_models.choose(gate, used, None)
    heard = [edge.models for edge in edges if edge.models is not None]
    missing = (one for one in ordered if one in needed and any(one not in models for models in heard))
    return GateProgress(
        gate=gate.name,
        title=gate.title,
        model_id=ordered[0] if ordered else None,
        is_own_choice=gate.model_id in used,
        matched=tuple(sorted(matched, key=lambda one: ordered.index(one.model_id) if one.model_id in ordered else 99)),
        edges=tuple(edges),
        missing=tuple(missing),
    )
