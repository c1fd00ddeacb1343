"""Who is inside a zone, from the passages that were reported: the list for an evacuation, and the count."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from access.policy import Direction
from directory import gates
from directory.tables import GateRecord
from messages import EventKind
from operations.tables import GateEvent


@dataclass(frozen=True, slots=True)
class Inside:
    """Somebody who went in and was not seen to come out."""

    person_id: UUID
    gate: str
    since: datetime
    certain: bool
    """False when the last passage was at a gate that does not tell the directions apart."""


def limits(session: Session) -> dict[str, int]:
    """Return the lowest occupancy limit that a gate keeps, by zone."""
    found: dict[str, int] = {}
    for policy in session.scalars(select(GateRecord.policy)):
        zone, rule = policy.get("inner_zone"), policy.get("occupancy")
        if zone and rule:
            found[zone] = min(rule["limit"], found.get(zone, rule["limit"]))
    return found


def inside(session: Session, zone: str, *, since: datetime) -> list[Inside]:
    """Return who is inside `zone`, longest inside first: each one's last passage after `since` did not lead out."""
    directions = {
        gate.name: policy.direction
        for gate in gates.find(session)
        if (policy := gates.policy_of(gate)).inner_zone == zone
    }
    found = [
        Inside(person_id, gate, at, certain=directions[gate] is Direction.ENTRY)
        for person_id, gate, at in _last_passages(session, directions, since)
        if directions[gate] is not Direction.EXIT
    ]
    return sorted(found, key=lambda one: one.since)


def _last_passages(session: Session, names: Collection[str], since: datetime) -> Sequence[tuple[UUID, str, datetime]]:
    undone = aliased(GateEvent)
    was_not_taken = exists().where(
        undone.person_id == GateEvent.person_id,
        undone.gate == GateEvent.gate,
        undone.kind == EventKind.NOT_TAKEN,
        or_(undone.tap_id == GateEvent.tap_id, undone.command_id == GateEvent.command_id),
    )
    at_these_gates = (
        GateEvent.gate.in_(names),
        # A door without a contact reports no `passed`; a grant is the best that is known at every door.
        GateEvent.kind == EventKind.ACCESS_GRANTED,
        GateEvent.person_id.is_not(None),
        GateEvent.at >= since,
        ~was_not_taken,
    )
    newest = (
        select(GateEvent.person_id, func.max(GateEvent.at).label("at"))
        .where(*at_these_gates)
        .group_by(GateEvent.person_id)
        .subquery()
    )
    rows = session.execute(
        select(GateEvent.person_id, GateEvent.gate, GateEvent.at)
        .join(newest, (GateEvent.person_id == newest.c.person_id) & (GateEvent.at == newest.c.at))
        .where(*at_these_gates)
    )
    return [(person_id, gate, at) for person_id, gate, at in rows if person_id is not None]
