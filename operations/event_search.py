"""Events of all gates by person, gate, time, kind, reason and result, and put together to passages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from access.reasons import Notice
from operations.passages import FOLLOWING, Passage, group, key_of, rank_of
from operations.tables import GateEvent

_LONGEST = timedelta(minutes=5)
"""Between the first and the last event of one passage; a door held open has an event of its own."""

Cursor = tuple[datetime, int]
"""Time and sequence number of an event, the order of a search."""


@dataclass(frozen=True, slots=True)
class EventSearch:
    """What is looked for; None, or an empty set, of a condition is every one."""

    since: datetime
    """By the gate's own time; included."""
    until: datetime
    """Not included."""
    gates: frozenset[str] | None = None
    people: frozenset[UUID] | None = None
    kinds: frozenset[str] | None = None
    reason: str | None = None
    granted: bool | None = None
    notice: Notice | None = None


def find_events(
    session: Session, search: EventSearch, *, before: Cursor | None = None, limit: int = 50
) -> Sequence[GateEvent]:
    """Return up to `limit` events, the newest by the gates' time first, from before the cursor when given."""
    return _newest(session, _conditions(search), before, limit)


def find_passages(
    session: Session, search: EventSearch, *, before: Cursor | None = None, limit: int = 50
) -> tuple[list[Passage], Cursor | None]:
    """Return up to `limit` passages with all their events, newest first, and the cursor of the page after these.

    A passage is found by any of its events that says what it was; what only follows from one is found when its kind is
    asked for.
    """
    found: list[Passage] = []
    cursor = before
    while len(found) < limit:
        wanted = limit - len(found) + 1
        events = _find_telling(session, search, cursor, wanted)
        whole = {(one.events[0].gate, one.key): one for one in group(_with_siblings(session, events))}
        for event in events[: wanted - 1]:
            cursor = (event.at, event.sequence)
            passage = whole[event.gate, key_of(event)]
            if _tells_first(passage, event, search):
                found.append(passage)
        if len(events) < wanted:
            return found, None
    return found, cursor


def count_results(session: Session, search: EventSearch) -> dict[tuple[str, str], int]:
    """Return how many events there are by gate and kind."""
    rows = session.execute(
        select(GateEvent.gate, GateEvent.kind, func.count())
        .where(*_conditions(search))
        .group_by(GateEvent.gate, GateEvent.kind)
    )
    return {(gate, kind): number for gate, kind, number in rows}


def count_reasons(session: Session, search: EventSearch) -> dict[str, int]:
    """Return how many events there are by reason, those without one left out."""
    rows = session.execute(
        select(GateEvent.reason, func.count())
        .where(*_conditions(search), GateEvent.reason.is_not(None))
        .group_by(GateEvent.reason)
    )
    return {reason: number for reason, number in rows if reason is not None}


def _find_telling(session: Session, search: EventSearch, cursor: Cursor | None, limit: int) -> Sequence[GateEvent]:
    telling = () if search.kinds is not None else (GateEvent.kind.not_in(FOLLOWING),)
    return _newest(session, [*_conditions(search), *telling], cursor, limit)


def _newest(
    session: Session, conditions: Sequence[ColumnElement[bool]], cursor: Cursor | None, limit: int
) -> Sequence[GateEvent]:
    statement = select(GateEvent).where(*conditions)
    if cursor is not None:
        at, sequence = cursor
        statement = statement.where(or_(GateEvent.at < at, and_(GateEvent.at == at, GateEvent.sequence < sequence)))
    return session.scalars(statement.order_by(GateEvent.at.desc(), GateEvent.sequence.desc()).limit(limit)).all()


def _tells_first(passage: Passage, event: GateEvent, search: EventSearch) -> bool:
    """Whether a passage stands in the list at this one of its events: the most telling one that the search finds."""
    found = [one for one in passage.events if _is_found(one, search)]
    return min(found, key=lambda one: (rank_of(one.kind), one.sequence)).sequence == event.sequence


def _is_found(event: GateEvent, search: EventSearch) -> bool:
    wanted = ((search.gates, event.gate), (search.people, event.person_id), (search.kinds, event.kind))
    return (
        (search.kinds is not None or event.kind not in FOLLOWING)
        and search.since <= event.at < search.until
        and all(among is None or value in among for among, value in wanted)
        and search.reason in {None, event.reason}
        and search.granted in {None, event.granted}
        and (search.notice is None or event.details.get(search.notice) is True)
    )


def _with_siblings(session: Session, events: Sequence[GateEvent]) -> Sequence[GateEvent]:
    commands = {one.command_id for one in events if one.command_id}
    taps = {one.tap_id for one in events if one.tap_id}
    if not commands | taps:
        return events
    first, last = min(one.at for one in events), max(one.at for one in events)
    siblings = session.scalars(
        select(GateEvent).where(
            GateEvent.gate.in_({one.gate for one in events}),
            GateEvent.at.between(first - _LONGEST, last + _LONGEST),
            or_(GateEvent.command_id.in_(commands), GateEvent.tap_id.in_(taps)),
        )
    )
    return list({one.sequence: one for one in (*events, *siblings)}.values())


def _conditions(search: EventSearch) -> list[ColumnElement[bool]]:
    found = [GateEvent.at >= search.since, GateEvent.at < search.until]
    for column, wanted in ((GateEvent.gate, search.gates), (GateEvent.kind, search.kinds)):
        if wanted is not None:
            found.append(column.in_(wanted))
    if search.people is not None:
        found.append(GateEvent.person_id.in_(search.people))
    if search.reason is not None:
        found.append(GateEvent.reason == search.reason)
    if search.granted is not None:
        found.append(GateEvent.granted.is_(search.granted))
    if search.notice is not None:
        found.append(GateEvent.details[search.notice.value].as_boolean().is_(True))
    return found
