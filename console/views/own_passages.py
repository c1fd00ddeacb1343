"""A person's own passages in words: one row each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.policy import Direction, GatePolicy
from directory.tables import GateRecord
from messages import EventKind
from operations.passages import Passage


@dataclass(frozen=True, slots=True)
class KnownGate:
    """What is known of a gate: its title, and which way it leads where it leads one way."""

    title: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class ShownPassage:
    """A passage: `result` is `passed`, `granted`, `not_taken` or `refused`, with the reason's code where refused.

    `direction` is `in`, `out`, or empty where the gate does not tell.
    """

    gate: str
    at: datetime
    direction: str
    method: str | None
    result: str
    reason: str | None
    is_late: bool

    @property
    def shape(self) -> str:
        """How its result is drawn: `good`, `bad` or `quiet`."""
        return {"passed": "good", "granted": "good", "refused": "bad"}.get(self.result, "quiet")


def find_known_gates(session: Session) -> dict[str, KnownGate]:
    """Return the gates there are, by name, in the order of their titles."""
    rows = session.scalars(select(GateRecord).order_by(GateRecord.title))
    return {
        row.name: KnownGate(
            row.title,
            Direction.BOTH if row.published is None else GatePolicy.model_validate_json(row.published).direction,
        )
        for row in rows
    }


def describe_passages(passages: Sequence[Passage], known: Mapping[str, KnownGate]) -> list[ShownPassage]:
    """Return passages in their order."""
    return [_describe(one, known) for one in passages]


def _describe(one: Passage, known: Mapping[str, KnownGate]) -> ShownPassage:
    headline = one.headline
    gate = known.get(headline.gate, KnownGate(headline.gate, Direction.BOTH))
    result = _find_result(one)
    return ShownPassage(
        gate=gate.title,
        at=headline.at,
        direction=_find_direction(one, gate),
        method=next((event.method for event in one.events if event.method), None),
        result=result,
        reason=headline.reason if result == "refused" else None,
        is_late=headline.historical,
    )


def _find_result(one: Passage) -> str:
    if one.outcome == EventKind.PASSED:
        return "passed"
    if any(event.granted for event in one.events):
        return "not_taken" if one.outcome == EventKind.NOT_TAKEN else "granted"
    return "refused"


def _find_direction(one: Passage, gate: KnownGate) -> str:
    if gate.direction is not Direction.BOTH:
        return {Direction.ENTRY: "in", Direction.EXIT: "out"}[gate.direction]
    return "out" if any(event.details.get("exit") is True for event in one.events) else ""
