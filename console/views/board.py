"""Gates, alarms, orders and zones as the pages' scripts are given them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from directory import gates, zone_passages
from directory.lag import Lag
from operations.alarms.rules import NATURE, AlarmKind
from operations.board import UNKNOWN, GateView
from operations.tables import Alarm, StaffOrder

Known = Mapping[UUID, str]

NEVER = "never"
"""The status of a process that was never heard of: perhaps there is none."""

_LAG_STEP_S = 5
"""Pages do not get a new state for every second that a directory is behind."""


def describe_gate(view: GateView, behind: Sequence[Lag] = ()) -> dict[str, Any]:
    """Return what the pages show of a gate; `behind` are its devices whose directory is not in force."""
    return {
        "gate": view.gate,
        "behind_s": max((round(one.behind_s) // _LAG_STEP_S * _LAG_STEP_S for one in behind), default=None),
        "revocations": max((one.waiting_revocations for one in behind), default=0),
        "controller": _describe_process(view.controller, view.controller_since),
        "edge": _describe_process(view.edge, view.edge_since),
        "door": _describe_door(view),
        "health": {
            source: {"at": health.at.isoformat(), "figures": dict(health.figures)}
            for source, health in view.health.items()
        },
    }


def describe_alarm(alarm: Alarm, names: Known, *, pictures: int) -> dict[str, Any]:
    """Return what the pages show of an alarm; `pictures` are how many there are of it."""
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
        "acknowledged_by": name_of(alarm.acknowledged_by, names),
        "acknowledged_at": None if alarm.acknowledged_at is None else alarm.acknowledged_at.isoformat(),
        "note": alarm.note,
        "pictures": pictures,
    }


def describe_order(order: StaffOrder, names: Known) -> dict[str, Any]:
    """Return what the pages show of an order that waits for a second person."""
    return {
        "id": str(order.id),
        "action": order.action,
        "gates": order.gates,
        "note": order.note,
        "asked_by": name_of(order.asked_by, names),
        "asked_at": order.asked_at.isoformat(),
    }


def collect_people(alarms: Sequence[Alarm], orders: Sequence[StaffOrder]) -> set[UUID]:
    """Return whose names are needed to show these."""
    return {one.acknowledged_by for one in alarms if one.acknowledged_by} | {one.asked_by for one in orders}


def describe_zones(session: Session, limits: Mapping[str, int], *, now: datetime) -> list[dict[str, Any]]:
    """Return how many people are in each zone, and how many may be by `limits`."""
    counted = zone_passages.count_inside(session, now=now)
    described = []
    for zone in gates.find_zones(session):
        inside, limit = counted.get(zone.name, 0), limits.get(zone.name)
        described.append({"name": zone.name, "title": zone.title, "inside": inside, "limit": limit})
    return described


def describe_places(session: Session) -> dict[str, Any]:
    """Return the gates and zones that orders can be given for, with their titles."""
    described, reached = [], set()
    for gate in gates.find(session):
        zone = gates.policy_of(gate).inner_zone
        described.append({"name": gate.name, "title": gate.title, "zone": zone})
        reached.add(zone)
    zones = [{"name": zone.name, "title": zone.title} for zone in gates.find_zones(session) if zone.name in reached]
    return {"gates": described, "zones": zones}


def _describe_door(view: GateView) -> dict[str, Any] | None:
    door = view.door
    if door is None:
        return None
    return {
        "state": door.state.value,
        "unlocked": door.unlocked,
        "open": door.door_open,
        "tamper": door.tamper,
        "wires": [_describe_wire(fault) for fault in door.wire_faults],
        "clock_sure": door.clock_sure,
        "at": door.at.isoformat(),
    }


def _describe_wire(fault: str) -> dict[str, str]:
    wire, what = fault.split(":", 1)
    return {"wire": wire, "fault": what}


def _describe_process(found: str | None, since: datetime | None) -> str:
    if found is not None:
        return str(found)
    return NEVER if since is None else UNKNOWN


def name_of(person: UUID | None, names: Known) -> str | None:
    """Return the name of a person, or the id where no name is known."""
    return None if person is None else names.get(person, str(person))
