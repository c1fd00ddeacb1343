"""The events of all gates: written once for each id, read by cursor.

Sequence numbers are seen in their order, also where several servers store: a reader that goes on behind the last one it
saw misses nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from access.reasons import Notice
from database.advisory_locks import AdvisoryLock
from messages import Event
from operations.alarms.rules import AFTER_LOSS
from operations.tables import GateEvent

_STANDSTILL_MS = 20_000
"""A server that stands still in its turn loses it: within the time that the others' statements wait for theirs."""
_TAKE_TURN = text("SELECT set_config('idle_in_transaction_session_timeout', :most, true), pg_advisory_xact_lock(:key)")
_SELECT_FOLLOWING = (
    select(GateEvent)
    .where(GateEvent.sequence > bindparam("after"))
    .order_by(GateEvent.sequence)
    .limit(bindparam("most", type_=Integer))
)


def record(session: Session, events: Sequence[Event], *, received_at: datetime) -> list[Event]:
    """Store `events` in the order given and return those that were new.

    A gate sends at least once, so an id that is here already is the same event again and changes nothing.
    """
    if not events:
        return []
    rows = [_row(event, received_at) for event in events]
    dialect = session.get_bind().dialect.name
    # SQLite has one writer at a time anyway.
    if dialect == "postgresql":
        session.execute(_TAKE_TURN, {"key": AdvisoryLock.JOURNAL, "most": str(_STANDSTILL_MS)})
    statement = (sqlite_insert if dialect == "sqlite" else postgresql_insert)(GateEvent)
    unheard = statement.on_conflict_do_nothing(index_elements=["id"]).returning(GateEvent.id)
    # The rows stand beside the statement, not in it: so it is the same for every batch, and compiled once.
    new = set(session.connection().execute(unheard, rows).scalars())
    return [event for event in {event.id: event for event in events}.values() if event.id in new]


def following(
    session: Session, *, after: int = 0, until: int | None = None, limit: int = 200, gate: str | None = None
) -> Sequence[GateEvent]:
    """Return up to `limit` events with sequence numbers above `after`, and up to `until` when given, oldest first."""
    statement = _SELECT_FOLLOWING
    if until is not None:
        statement = statement.where(GateEvent.sequence <= until)
    if gate is not None:
        statement = statement.where(GateEvent.gate == gate)
    return session.scalars(statement, {"after": after, "most": limit}).all()


def latest(
    session: Session,
    *,
    limit: int = 50,
    before: int | None = None,
    gate: str | None = None,
    person_id: UUID | None = None,
) -> Sequence[GateEvent]:
    """Return up to `limit` events, newest arrival first, from before the sequence number `before` when given."""
    statement = select(GateEvent)
    if before is not None:
        statement = statement.where(GateEvent.sequence < before)
    if gate is not None:
        statement = statement.where(GateEvent.gate == gate)
    if person_id is not None:
        statement = statement.where(GateEvent.person_id == person_id)
    return session.scalars(statement.order_by(GateEvent.sequence.desc()).limit(limit)).all()


def last_by_gate(session: Session, gates: Sequence[str], *, without: Collection[str] = ()) -> dict[str, GateEvent]:
    """Return the latest event of each gate by the gate's own time, but for those of the kinds `without`."""
    found = {}
    for gate in gates:
        # One step into an index for each gate; a grouped query would read every event there ever was.
        statement = select(GateEvent).where(GateEvent.gate == gate, GateEvent.kind.not_in(without))
        event = session.scalar(statement.order_by(GateEvent.at.desc()).limit(1))
        if event is not None:
            found[gate] = event
    return found


def newest(session: Session) -> int:
    """Return the sequence number of the event that arrived last, 0 before there is any."""
    return session.scalar(select(func.max(GateEvent.sequence))) or 0


def get(session: Session, sequence: int) -> GateEvent | None:
    """Return the event with this sequence number."""
    return session.get(GateEvent, sequence)


def notices(event: GateEvent) -> list[str]:
    """Return what stands beside a grant and somebody must hear."""
    return [name for name in (*Notice, AFTER_LOSS) if event.details.get(name) is True]


def _row(event: Event, received_at: datetime) -> dict[str, object]:
    return {
        **event.model_dump(exclude={"schema_version", "method"}),
        "method": event.method.value if event.method else None,
        "received_at": received_at,
    }
