"""The gates as a wall shows them: small, by the zone that they lead into, with what happened last and nobody's name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from directory import gates
from directory.tables import GateRecord
from operations import event_store, passages
from operations.tables import GateEvent


@dataclass(frozen=True, slots=True)
class GateGroup:
    """Gates that lead into one zone; `title` None: into none."""

    title: str | None
    gates: Sequence[GateRecord]


def group_gates(session: Session) -> list[GateGroup]:
    """Return all gates by their zone, zones and gates by title, those of no zone last."""
    titles = {zone.name: zone.title for zone in gates.find_zones(session)}
    found: dict[str | None, list[GateRecord]] = {}
    for gate in sorted(gates.find(session), key=lambda one: _numbers_in_order(one.title)):
        found.setdefault(titles.get(gates.policy_of(gate).inner_zone or ""), []).append(gate)
    ordered = sorted(found.items(), key=lambda one: (one[0] is None, _numbers_in_order(one[0] or "")))
    return [GateGroup(title, those) for title, those in ordered]


def describe_last(session: Session, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what each gate told last, by gate, without what only follows from it."""
    found = event_store.last_by_gate(session, names, without=passages.FOLLOWING)
    return {gate: _describe(event) for gate, event in found.items()}


def _numbers_in_order(title: str) -> list[tuple[int, str]]:
    """Return what sorts `2号楼` before `10号楼`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", title)]


def _describe(event: GateEvent) -> dict[str, Any]:
    return {
        "gate": event.gate,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "granted": event.granted,
        "reason": event.reason,
    }
