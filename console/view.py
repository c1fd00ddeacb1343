"""What the pages' scripts are told, as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from directory import gates, presence
from directory.lag import Lag
from operations import journal, muster
from operations.alarms.rules import NATURE, AlarmKind
from operations.board import UNKNOWN, GateView
from operations.tables import Alarm, GateEvent, StaffOrder

Known = Mapping[UUID, str]

NEVER = "never"
"""The presence of what was never heard of: perhaps there is none."""

_LAG_STEP_S = 5
"""The pages are not told of every second that a directory is behind."""


def describe_gate(view: GateView, behind: Sequence[Lag] = ()) -> dict[str, Any]:
    """Return what the pages show of a gate; `behind` are its devices whose directory is not in force."""
    door = view.door
    return {
        "gate": view.gate,
        "behind_s": max((round(one.behind_s) // _LAG_STEP_S * _LAG_STEP_S for one in behind), default=None),
        "revocations": max((one.waiting_revocations for one in behind), default=0),
        "controller": _presence(view.controller, view.controller_since),
        "edge": _presence(view.edge, view.edge_since),
        "door": None
        if door is None
        else {
            "state": door.state.value,
            "unlocked": door.unlocked,
            "open": door.door_open,
            "tamper": door.tamper,
            "wires": [dict(zip(("wire", "fault"), one.split(":", 1), strict=True)) for one in door.wire_faults],
            "clock_sure": door.clock_sure,
            "at": door.at.isoformat(),
        },
        "health": {
            source: {"at": health.at.isoformat(), "figures": dict(health.figures)}
            for source, health in view.health.items()
        },
    }


def describe_event(event: GateEvent, names: Known, order: StaffOrder | None = None) -> dict[str, Any]:
    """Return what the pages show of an event, which came of `order`; who is not known here is shown by id."""
    return {
        "sequence": event.sequence,
        "gate": event.gate,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "source": event.source,
        "person": _name(event.person_id, names),
        "method": event.method,
        "granted": event.granted,
        "reason": event.reason,
        "latency_ms": event.latency_ms,
        "historical": event.historical,
        "notices": journal.notices(event),
        "order": None
        if order is None
        else {
            "by": _name(order.asked_by, names),
            "confirmed_by": _name(order.confirmed_by, names),
            "note": order.note,
        },
    }


def describe_alarm(alarm: Alarm, names: Known) -> dict[str, Any]:
    """Return what the pages show of an alarm."""
    return {
        "id": str(alarm.id),
        "gate": alarm.gate,
        "kind": alarm.kind,
        "severity": alarm.severity,
        "reason": alarm.reason,
        "at": alarm.last_at.isoformat(),
        "count": alarm.count,
        # Some things happen in a moment and have no end that anybody could report.
        "over": alarm.restored_at is not None if NATURE[AlarmKind(alarm.kind)].ends else None,
        "escalated": alarm.escalated_at is not None,
        "acknowledged_by": _name(alarm.acknowledged_by, names),
        "acknowledged_at": None if alarm.acknowledged_at is None else alarm.acknowledged_at.isoformat(),
        "note": alarm.note,
    }


def describe_order(order: StaffOrder, names: Known) -> dict[str, Any]:
    """Return what the pages show of an order that waits for a second person."""
    return {
        "id": str(order.id),
        "action": order.action,
        "gates": order.gates,
        "note": order.note,
        "asked_by": _name(order.asked_by, names),
        "asked_at": order.asked_at.isoformat(),
    }


def people_in(alarms: Sequence[Alarm], orders: Sequence[StaffOrder]) -> set[UUID]:
    """Return whose names are needed to show these."""
    return {one.acknowledged_by for one in alarms if one.acknowledged_by} | {one.asked_by for one in orders}


def describe_zones(session: Session, *, now: datetime) -> list[dict[str, Any]]:
    """Return how many people are in each zone, and how many may be."""
    limits, counted = muster.limits(session), presence.inside(session, now=now)
    return [
        {
            "name": zone.name,
            "title": zone.title,
            "inside": counted.get(zone.name, 0),
            "limit": limits.get(zone.name),
        }
        for zone in gates.zones(session)
    ]


def places(session: Session) -> dict[str, Any]:
    """Return the gates and zones that orders can be given for, with their titles."""
    found = [(gate.name, gate.title, gates.policy_of(gate).inner_zone) for gate in gates.find(session)]
    return {
        "gates": [{"name": name, "title": title, "zone": zone} for name, title, zone in found],
        "zones": [
            {"name": zone.name, "title": zone.title}
            for zone in gates.zones(session)
            if any(zone.name == inner for _, _, inner in found)
        ],
    }


def _presence(found: str | None, since: datetime | None) -> str:
    if found is not None:
        return str(found)
    return NEVER if since is None else UNKNOWN


def _name(person: UUID | None, names: Known) -> str | None:
    return None if person is None else names.get(person, str(person))
