"""Who is in which zone, counted from the journal as it is written, for every gate of the zone.

A passage that arrives late counts by its own time, and never over a later one. Two processes may write: the zone's
row in `zone_presence` is the lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from access.passages import REMEMBERED, PresencePage, ZonePass
from access.policy import Direction, GatePolicy
from accounts import audit
from directory.gates import get
from directory.tables import GateEntry, GateRecord, ZonePassage, ZonePresence, ZoneRecord
from web.problems import NotFoundError, ProblemError

PAGE = 2000

_GRANTED, _NOT_TAKEN = "access_granted", "not_taken"


class NoZoneError(ProblemError):
    """A gate that leads into no zone has no other gates to know of."""

    code = "gate_without_zone"
    status = 409
    title = "This gate leads into no zone"


class Passed(Protocol):
    """What is read of an event."""

    @property
    def gate(self) -> str:
        """Where."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def kind(self) -> str:
        """What."""

    @property
    def person_id(self) -> UUID | None:
        """Who."""


def note(session: Session, events: Iterable[Passed], *, now: datetime) -> dict[str, int]:
    """Count passages; return the new revision of every gate that has to know of them.

    A gate whose clock runs ahead passes nobody in the future: what is later than `now` counts as now.
    """
    passages = [one for one in events if one.kind in {_GRANTED, _NOT_TAKEN} and one.person_id is not None]
    if not passages:
        return {}
    ways = _ways(session, {one.gate for one in passages})
    zones = {zone for zone, _ in ways.values()}
    counters = {zone: _counter(session, zone) for zone in sorted(zones)}
    for one in passages:
        if one.gate in ways:
            zone, direction = ways[one.gate]
            _count(session, counters[zone], one, direction, min(one.at, now))
    return _listeners(session, counters.values())


def page(session: Session, gate: str, *, since: int, now: datetime) -> PresencePage:
    """Return what a gate does not know yet.

    Raises:
        NotFoundError: no such gate.
        NoZoneError: it leads into no zone.
    """
    policy = GatePolicy.model_validate(get(session, gate).policy)
    if policy.inner_zone is None:
        raise NoZoneError
    counter = session.get(ZonePresence, policy.inner_zone) or ZonePresence(
        zone=policy.inner_zone, revision=0, floor=0, forgiven_before=None
    )
    whole = since == 0 or since > counter.revision or since < counter.floor
    entitled = select(GateEntry.person_id).where(GateEntry.gate == gate, GateEntry.is_removed.is_(False))
    rows = session.scalars(
        select(ZonePassage)
        .where(
            ZonePassage.zone == counter.zone,
            ZonePassage.revision > (0 if whole else since),
            ZonePassage.at > now - REMEMBERED,
            ZonePassage.person_id.in_(entitled),
        )
        .order_by(ZonePassage.revision)
        .limit(PAGE + 1)
    ).all()
    shown = rows[:PAGE]
    return PresencePage(
        zone=counter.zone,
        whole=whole,
        to_revision=shown[-1].revision if len(rows) > PAGE else counter.revision,
        latest_revision=counter.revision,
        inside=inside(session, [counter.zone], now=now).get(counter.zone, 0),
        forgiven_before=counter.forgiven_before,
        passes=tuple(
            ZonePass(person_id=row.person_id, gate=row.gate, direction=Direction(row.direction), at=row.at)
            for row in shown
        ),
    )


def inside(session: Session, zones: Sequence[str] | None = None, *, now: datetime) -> dict[str, int]:
    """Return how many people are in each zone by the passages of the last day; zones with nobody are left out."""
    statement = (
        select(ZonePassage.zone, func.count().label("number"))
        .where(
            ZonePassage.direction == Direction.ENTRY.value,
            ZonePassage.gate.is_not(None),
            ZonePassage.at > now - REMEMBERED,
        )
        .group_by(ZonePassage.zone)
    )
    if zones is not None:
        statement = statement.where(ZonePassage.zone.in_(zones))
    return {row.zone: row.number for row in session.execute(statement)}


def forgive(session: Session, zone: str, *, person_id: UUID | None, by: str, now: datetime) -> dict[str, int]:
    """Let nothing count that one person, or everybody, passed before; return the revision of every gate to be told.

    Raises:
        NotFoundError: no such zone.
    """
    if session.get(ZoneRecord, zone) is None:
        raise NotFoundError(f"there is no zone {zone!r}")
    counter = _counter(session, zone)
    counter.revision += 1
    if person_id is None:
        session.execute(delete(ZonePassage).where(ZonePassage.zone == zone))
        counter.floor, counter.forgiven_before = counter.revision, now
    else:
        row = session.get(ZonePassage, (zone, person_id))
        if row is None:
            row = ZonePassage(zone=zone, person_id=person_id)
            session.add(row)
        _set(row, counter.revision, None, Direction.BOTH, now)
        row.before_gate = row.before_direction = row.before_at = None
    subject = f"zone:{zone}" if person_id is None else f"person:{person_id}"
    audit.record(session, actor=by, action="passages.forgive", subject=subject, now=now, details={"zone": zone})
    return _listeners(session, [counter])


def forget(session: Session, now: datetime) -> int:
    """Delete passages that count no more, and return how many."""
    old = delete(ZonePassage).where(ZonePassage.at <= now - REMEMBERED).returning(ZonePassage.person_id)
    return len(session.execute(old).all())


def _ways(session: Session, gates: set[str]) -> Mapping[str, tuple[str, Direction]]:
    rows = session.execute(select(GateRecord.name, GateRecord.policy).where(GateRecord.name.in_(gates))).all()
    known = set(session.scalars(select(ZoneRecord.name)))
    return {
        name: (policy["inner_zone"], Direction(policy.get("direction", Direction.BOTH)))
        for name, policy in rows
        if policy.get("inner_zone") in known
    }


def _counter(session: Session, zone: str) -> ZonePresence:
    """Return the zone's row, locked, made on first use."""
    found = session.scalar(select(ZonePresence).where(ZonePresence.zone == zone).with_for_update())
    if found is None:
        found = ZonePresence(zone=zone, revision=0, floor=0)
        session.add(found)
        session.flush()
    return found


def _count(session: Session, counter: ZonePresence, one: Passed, direction: Direction, at: datetime) -> None:
    row = session.get(ZonePassage, (counter.zone, one.person_id))
    if one.kind == _NOT_TAKEN:
        if row is not None and row.gate == one.gate and row.at <= at:
            counter.revision += 1
            before = row.before_gate, Direction(row.before_direction or Direction.BOTH), row.before_at or row.at
            _set(row, counter.revision, *before)
            row.before_gate = row.before_direction = row.before_at = None
        return
    if row is not None and row.at >= at:
        return
    counter.revision += 1
    if row is None:
        row = ZonePassage(zone=counter.zone, person_id=one.person_id)
        session.add(row)
    else:
        row.before_gate, row.before_direction, row.before_at = row.gate, row.direction, row.at
    _set(row, counter.revision, one.gate, direction, at)
    session.flush()


def _set(row: ZonePassage, revision: int, gate: str | None, direction: Direction, at: datetime) -> None:
    row.revision, row.gate, row.direction, row.at = revision, gate, direction.value, at


def _listeners(session: Session, counters: Iterable[ZonePresence]) -> dict[str, int]:
    revisions = {counter.zone: counter.revision for counter in counters}
    rows = session.execute(select(GateRecord.name, GateRecord.policy))
    return {
        name: revisions[policy["inner_zone"]]
        for name, policy in rows
        if policy.get("inner_zone") in revisions and any(policy.get(rule) for rule in _LOOKING_BACK)
    }


_LOOKING_BACK = ("anti_passback", "occupancy", "first_person")
