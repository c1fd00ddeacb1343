"""Who passed the gates of each zone last, kept as the journal is written, for every gate of the zone.

A passage that arrives late counts by its own time, and never over a later one. Two processes may write: the zone's
row in `zone_presence` is the lock.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from access.passages import REMEMBERED, PresencePage, ZonePass
from access.policy import Direction, GatePolicy
from accounts import audit
from database import table_of
from directory import listed_people
from directory.gates import get
from directory.tables import GateRecord, ZonePassage, ZonePassageState, ZoneRecord
from messages import Event, EventKind
from web.problems import NotFoundError, ProblemError

PAGE = 2000

LOOKING_BACK = ("anti_passback", "occupancy", "first_person")
"""The rules of a policy for which a gate must know of passages at other gates."""

_AHEAD = 1_000_000_000
"""More passages than a campus counts in ten years."""
_AT_ONCE = 500
"""People in one statement."""
_PASSAGES, _STATES, _GATES = (table_of(one) for one in (ZonePassage, ZonePassageState, GateRecord))
COUNT_INSIDE = (
    select(_PASSAGES.c.zone, func.count().label("number"))
    .where(
        _PASSAGES.c.direction == Direction.ENTRY.value,
        _PASSAGES.c.gate.is_not(None),
        _PASSAGES.c.at > bindparam("earliest"),
    )
    .group_by(_PASSAGES.c.zone)
)
"""How many are in each zone by their passages since `earliest`; zones with nobody are left out."""
_COUNT_INSIDE_THESE = COUNT_INSIDE.where(_PASSAGES.c.zone.in_(bindparam("zones", expanding=True)))
_SELECT_ZONE_STATES = (
    select(_GATES.c.name.label("gate"), _STATES.c.zone, _STATES.c.revision, _STATES.c.forgiven_before)
    .join(_STATES, _STATES.c.zone == _GATES.c.policy["inner_zone"].as_string())
    .where(_GATES.c.name.in_(bindparam("gates", expanding=True)))
)


class NoZoneError(ProblemError):
    """A gate that leads into no zone has no other gates to know of."""

    code = "gate_without_zone"
    status = 409
    title = "This gate leads into no zone"


def record(session: Session, events: Iterable[Event], *, now: datetime) -> dict[str, int]:
    """Record passages; return the new revision of every gate that has to know of them.

    A gate whose clock runs ahead passes nobody in the future: what is later than `now` counts as now.
    """
    kinds = {EventKind.ACCESS_GRANTED, EventKind.NOT_TAKEN}
    passages = [event for event in events if event.kind in kinds and event.person_id is not None]
    if not passages:
        return {}
    ways = _ways_of(session, {event.gate for event in passages})
    zones = {zone for zone, _ in ways.values()}
    states = {zone: _lock_state(session, zone) for zone in sorted(zones)}
    for event in passages:
        if event.gate in ways:
            zone, direction = ways[event.gate]
            _record_one(session, states[zone], event, direction, min(event.at, now))
    return _revisions_by_gate(session, states.values())


def page_for(session: Session, gate: str, *, since: int, now: datetime) -> PresencePage:
    """Return what a gate does not know yet.

    Raises:
        NotFoundError: no such gate.
        NoZoneError: it leads into no zone.
    """
    policy = GatePolicy.model_validate(get(session, gate).policy)
    if policy.inner_zone is None:
        raise NoZoneError
    state = session.get(ZonePassageState, policy.inner_zone) or ZonePassageState(
        zone=policy.inner_zone, revision=0, floor=0, forgiven_before=None
    )
    whole = since == 0 or since > state.revision or since < state.floor
    rows = session.scalars(
        select(ZonePassage)
        .where(
            ZonePassage.zone == state.zone,
            ZonePassage.revision > (0 if whole else since),
            ZonePassage.at > now - REMEMBERED,
            ZonePassage.person_id.in_(listed_people.select_people(gate)),
        )
        .order_by(ZonePassage.revision)
        .limit(PAGE + 1)
    ).all()
    shown = rows[:PAGE]
    return PresencePage(
        zone=state.zone,
        whole=whole,
        to_revision=shown[-1].revision if len(rows) > PAGE else state.revision,
        latest_revision=state.revision,
        inside=count_inside(session, [state.zone], now=now).get(state.zone, 0),
        forgiven_before=state.forgiven_before,
        passes=tuple(_to_pass(row) for row in shown),
    )


class Asked(NamedTuple):
    """What a gate's device asks: what follows the zone's revision `since`, at a moment."""

    gate: str
    since: int
    now: datetime


def find_quiet(session: Session, asked: Collection[Asked]) -> Mapping[Asked, PresencePage]:
    """Return the pages of gates that know every passage of their zone, looked up for all of them together.

    For everybody else nothing is found: `page_for` answers them.
    """
    rows = session.execute(_SELECT_ZONE_STATES, {"gates": [one.gate for one in asked]})
    states = {row.gate: row for row in rows}
    quiet = {
        one: state for one in asked if (state := states.get(one.gate)) is not None and 0 < one.since == state.revision
    }
    if not quiet:
        return {}
    zones = {state.zone for state in quiet.values()}
    inside = count_inside(session, zones, now=max(one.now for one in quiet))
    return {
        one: PresencePage(
            zone=state.zone,
            whole=False,
            to_revision=state.revision,
            latest_revision=state.revision,
            inside=inside.get(state.zone, 0),
            forgiven_before=state.forgiven_before,
        )
        for one, state in quiet.items()
    }


def count_inside(session: Session, zones: Collection[str] | None = None, *, now: datetime) -> dict[str, int]:
    """Return how many people are in each zone by the passages of the last day; zones with nobody are left out."""
    given: dict[str, Any] = {"earliest": now - REMEMBERED}
    statement = COUNT_INSIDE
    if zones is not None:
        statement, given = _COUNT_INSIDE_THESE, given | {"zones": list(zones)}
    return {row.zone: row.number for row in session.execute(statement, given)}


def forgive(session: Session, zone: str, *, person_id: UUID | None, by: str, now: datetime) -> dict[str, int]:
    """Let nothing count that one person, or everybody, passed before; return the revision of every gate to be told.

    Raises:
        NotFoundError: no such zone.
    """
    if session.get(ZoneRecord, zone) is None:
        raise NotFoundError(f"there is no zone {zone!r}")
    state = _lock_state(session, zone)
    state.revision += 1
    if person_id is None:
        session.execute(delete(ZonePassage).where(ZonePassage.zone == zone))
        state.floor, state.forgiven_before = state.revision, now
    else:
        row = session.get(ZonePassage, (zone, person_id))
        if row is None:
            row = ZonePassage(zone=zone, person_id=person_id)
            session.add(row)
        _set(row, state.revision, None, Direction.BOTH, now)
        row.before_gate = row.before_direction = row.before_at = None
    subject = f"zone:{zone}" if person_id is None else f"person:{person_id}"
    audit.record(session, actor=by, action="passages.forgive", subject=subject, now=now, details={"zone": zone})
    return _revisions_by_gate(session, [state])


def tell_again(session: Session, people: Collection[UUID]) -> None:
    """Let what is known of people travel once more: gates into whose directory they came were not told of them before.

    To be called when the gates' directories are committed, or a gate that asks meanwhile is told of nobody new.
    """
    wanted = sorted(people)
    parts = [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]
    zones = select(ZonePassage.zone).distinct()
    found = {zone for part in parts for zone in session.scalars(zones.where(ZonePassage.person_id.in_(part)))}
    states = {zone: _lock_state(session, zone) for zone in sorted(found)}
    for part in parts if states else []:
        for row in session.scalars(select(ZonePassage).where(ZonePassage.person_id.in_(part))).all():
            if (state := states.get(row.zone)) is not None:
                state.revision += 1
                row.revision = state.revision


def count_anew(session: Session) -> None:
    """Count on from where no gate can have been: each one fetches the passages of its zone anew.

    For a database that was restored. What it counts from there is not what gates know by the same numbers, and a gate
    that asked late would be told only of what follows its own.
    """
    for zone in session.scalars(select(ZoneRecord.name).order_by(ZoneRecord.name)).all():
        state = _lock_state(session, zone)
        state.revision, state.floor = state.revision + _AHEAD, state.floor + _AHEAD
    session.execute(update(ZonePassage).values(revision=ZonePassage.revision + _AHEAD))


def forget(session: Session, now: datetime) -> int:
    """Delete passages that count no more, and return how many."""
    old = delete(ZonePassage).where(ZonePassage.at <= now - REMEMBERED).returning(ZonePassage.person_id)
    return len(session.execute(old).all())


def _to_pass(row: ZonePassage) -> ZonePass:
    return ZonePass(person_id=row.person_id, gate=row.gate, direction=Direction(row.direction), at=row.at)


def _ways_of(session: Session, gates: set[str]) -> Mapping[str, tuple[str, Direction]]:
    """Return the zone and the direction of each of `gates` that leads into a zone."""
    rows = session.execute(select(GateRecord.name, GateRecord.policy).where(GateRecord.name.in_(gates))).all()
    known = set(session.scalars(select(ZoneRecord.name)))
    ways = {}
    for name, policy in rows:
        if policy.get("inner_zone") in known:
            ways[name] = policy["inner_zone"], Direction(policy.get("direction", Direction.BOTH))
    return ways


def _lock_state(session: Session, zone: str) -> ZonePassageState:
    """Return the zone's row, locked, made on first use."""
    found = session.scalar(select(ZonePassageState).where(ZonePassageState.zone == zone).with_for_update())
    if found is None:
        found = ZonePassageState(zone=zone, revision=0, floor=0)
        session.add(found)
        session.flush()
    return found


def _record_one(session: Session, state: ZonePassageState, event: Event, direction: Direction, at: datetime) -> None:
    row = session.get(ZonePassage, (state.zone, event.person_id))
    if event.kind == EventKind.NOT_TAKEN:
        if row is not None and row.gate == event.gate and row.at <= at:
            state.revision += 1
            before = row.before_gate, Direction(row.before_direction or Direction.BOTH), row.before_at or row.at
            _set(row, state.revision, *before)
            row.before_gate = row.before_direction = row.before_at = None
        return
    if row is not None and row.at >= at:
        return
    state.revision += 1
    if row is None:
        row = ZonePassage(zone=state.zone, person_id=event.person_id)
        session.add(row)
    else:
        row.before_gate, row.before_direction, row.before_at = row.gate, row.direction, row.at
    _set(row, state.revision, event.gate, direction, at)
    session.flush()


def _set(row: ZonePassage, revision: int, gate: str | None, direction: Direction, at: datetime) -> None:
    row.revision, row.gate, row.direction, row.at = revision, gate, direction.value, at


def _revisions_by_gate(session: Session, states: Iterable[ZonePassageState]) -> dict[str, int]:
    """Return the new revision of every gate of these zones whose rules look back."""
    revisions = {state.zone: state.revision for state in states}
    found = {}
    for name, policy in session.execute(select(GateRecord.name, GateRecord.policy)):
        zone = policy.get("inner_zone")
        if zone in revisions and any(policy.get(rule) for rule in LOOKING_BACK):
            found[name] = revisions[zone]
    return found
