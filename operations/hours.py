"""Passages and refusals by gate and hour: counted as events are stored, so that a chart reads hundreds of rows.

A passage is who was let in; whether they went through, a door without a contact cannot tell. A refusal is counted by
its reason. Hours are those of UTC, which begin with those of every time zone that is whole hours from it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from messages import Event, EventKind
from operations.tables import GateHour

Outcome = Literal["granted", "refused"]

OUTCOMES: dict[str, Outcome] = {
    EventKind.ACCESS_GRANTED: "granted",
    EventKind.ACCESS_DENIED: "refused",
    EventKind.FACE_REFUSED: "refused",
    EventKind.EXIT_REFUSED: "refused",
    EventKind.SPOOF: "refused",
}
"""Which events are counted; each passage and each refusal has one of them."""


class Counted(NamedTuple):
    """How many, in the hour that begins at `hour`; of a refusal with its reason."""

    hour: datetime
    outcome: str
    reason: str
    number: int


def count(session: Session, events: Iterable[Event], *, now: datetime) -> None:
    """Count `events`, each once; what a gate dates into the future, by a clock that runs ahead, counts as now."""
    found = Counter(
        (event.gate, _hour_of(min(event.at, now)), OUTCOMES[event.kind], _reason_of(event))
        for event in events
        if event.kind in OUTCOMES
    )
    if not found:
        return
    dialect = session.get_bind().dialect.name
    statement = (sqlite_insert if dialect == "sqlite" else postgresql_insert)(GateHour)
    more = statement.on_conflict_do_update(
        index_elements=["gate", "hour", "outcome", "reason"],
        set_={"number": GateHour.number + statement.excluded.number},
    )
    names = ("gate", "hour", "outcome", "reason", "number")
    # In one order everywhere: two writers then never wait for each other.
    session.execute(more, [dict(zip(names, (*key, number), strict=True)) for key, number in sorted(found.items())])


def sum_up(
    session: Session, *, since: datetime, until: datetime, gates: Sequence[str] | None = None
) -> Sequence[Counted]:
    """Return sums over `gates` (all without) by hour, outcome and reason, of hours beginning in [`since`, `until`)."""
    number = func.sum(GateHour.number).label("number")
    statement = (
        select(GateHour.hour, GateHour.outcome, GateHour.reason, number)
        .where(GateHour.hour >= since, GateHour.hour < until)
        .group_by(GateHour.hour, GateHour.outcome, GateHour.reason)
        .order_by(GateHour.hour)
    )
    if gates is not None:
        statement = statement.where(GateHour.gate.in_(gates))
    return [Counted(row.hour, row.outcome, row.reason, int(row.number)) for row in session.execute(statement)]


def sum_by_gate(session: Session, *, since: datetime, until: datetime) -> dict[str, int]:
    """Return how many were let in at each gate in these hours."""
    statement = (
        select(GateHour.gate, func.sum(GateHour.number))
        .where(GateHour.hour >= since, GateHour.hour < until, GateHour.outcome == "granted")
        .group_by(GateHour.gate)
    )
    return {gate: int(number) for gate, number in session.execute(statement)}


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _reason_of(event: Event) -> str:
    return "" if OUTCOMES[event.kind] == "granted" else event.reason or event.kind
