"""The alarms in the database: raised, counted, ended, acknowledged, told."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from accounts import audit
from operations.alarms import rules
from operations.alarms.conditions import OpenAlarm
from operations.alarms.escalation import Route, due, next_try
from operations.alarms.rules import ENDED_BY, NATURE, AlarmKind, AlarmState, Severity, Signal
from operations.tables import Alarm, AlarmNotice, GateEvent
from web.problems import NotFoundError, ProblemError

_RANK = {severity.value: index for index, severity in enumerate(Severity)}
_SELECT_OPEN = select(Alarm).where(Alarm.closed_at.is_(None)).order_by(Alarm.id.desc())
_TELLING = 100
CLAIM = timedelta(minutes=1)
"""How long a notice is left to the process that took it up: longer than any channel takes. One that dies meanwhile may
have sent it; then it is sent once more."""


class AlarmNotOpenError(ProblemError):
    """Somebody acknowledged the alarm already, or it closed by itself."""

    code = "alarm_not_open"
    status = 409
    title = "This alarm needs no acknowledgement any more"


def apply(session: Session, signals: Iterable[Signal], *, now: datetime) -> int:
    """Apply `signals` in their order and return how many changed anything.

    What a gate dates into the future, by a clock that runs ahead, counts as now: else nothing could end it.
    """
    signals = [replace(one, at=min(one.at, now)) if one.raises else one for one in signals]
    return sum(_raise(session, one, now) if one.raises else _restore(session, one, now) for one in signals)


def acknowledge(session: Session, alarm_id: UUID, *, by: UUID, note: str, now: datetime) -> Alarm:
    """Note that somebody has seen the alarm and looks after it.

    Raises:
        NotFoundError: there is no such alarm.
        AlarmNotOpenError: it was acknowledged before, or is closed.
    """
    alarm = session.scalar(select(Alarm).where(Alarm.id == alarm_id).with_for_update())
    if alarm is None:
        raise NotFoundError("there is no alarm with this id")
    if alarm.acknowledged_at is not None or alarm.closed_at is not None:
        raise AlarmNotOpenError
    _acknowledge(session, alarm, by=by, note=note, now=now)
    return alarm


def acknowledge_together(
    session: Session, alarm_ids: Collection[UUID], *, by: UUID, note: str, now: datetime
) -> Sequence[Alarm]:
    """Note the same of several alarms, and return them; what somebody acknowledged first, or is closed, stays as it is.

    Raises:
        AlarmNotOpenError: none of them needs it any more.
    """
    waiting = (Alarm.id.in_(set(alarm_ids)), Alarm.acknowledged_at.is_(None), Alarm.closed_at.is_(None))
    alarms = session.scalars(select(Alarm).where(*waiting).order_by(Alarm.id).with_for_update()).all()
    if not alarms:
        raise AlarmNotOpenError
    for alarm in alarms:
        _acknowledge(session, alarm, by=by, note=note, now=now)
    return alarms


def _acknowledge(session: Session, alarm: Alarm, *, by: UUID, note: str, now: datetime) -> None:
    alarm.acknowledged_at, alarm.acknowledged_by, alarm.note = now, by, note
    _close_if_done(alarm, now)
    session.flush()
    actor = audit.person_actor(by)
    details: Mapping[str, audit.Scalar] = {"gate": alarm.gate, "kind": alarm.kind}
    audit.record(
        session, actor=actor, action="alarm.acknowledge", subject=f"alarm:{alarm.id}", now=now, details=details
    )


def open_alarms(session: Session) -> Sequence[Alarm]:
    """Return every open alarm: what nobody has acknowledged first, then the worst, then the newest."""
    found = session.scalars(_SELECT_OPEN).all()
    return sorted(found, key=lambda alarm: (alarm.acknowledged_at is not None, _RANK[alarm.severity]))


def expected_ends(session: Session, alarms: Sequence[Alarm]) -> dict[UUID, datetime]:
    """Return when alarms will be over by themselves, where the event that raised one says so (`details.until`)."""
    by_event = {alarm.event_id: alarm.id for alarm in alarms if alarm.event_id and alarm.kind == AlarmKind.CLOCK_UNSURE}
    events = session.execute(select(GateEvent.id, GateEvent.details).where(GateEvent.id.in_(by_event)))
    found = {}
    for event_id, details in events:
        try:
            found[by_event[event_id]] = datetime.fromisoformat(str(details["until"])).astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            continue
    return found


def find(session: Session, *, before: UUID | None = None, limit: int = 50, gate: str | None = None) -> Sequence[Alarm]:
    """Return alarms, open and closed, newest first."""
    statement = select(Alarm).order_by(Alarm.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Alarm.id < before)
    if gate is not None:
        statement = statement.where(Alarm.gate == gate)
    return session.scalars(statement).all()


def find_between(
    session: Session,
    since: datetime,
    until: datetime,
    *,
    gate: str | None = None,
    kind: str | None = None,
    limit: int,
) -> Sequence[Alarm]:
    """Return alarms that were raised from `since` on and before `until`, or were open then, newest first."""
    was_open = or_(Alarm.closed_at.is_(None), Alarm.closed_at >= since)
    statement = select(Alarm).where(Alarm.opened_at < until, or_(Alarm.opened_at >= since, was_open))
    if gate is not None:
        statement = statement.where(Alarm.gate == gate)
    if kind is not None:
        statement = statement.where(Alarm.kind == kind)
    return session.scalars(statement.order_by(Alarm.opened_at.desc(), Alarm.id.desc()).limit(limit)).all()


def going_on(session: Session) -> list[OpenAlarm]:
    """Return the open alarms as the rules read them."""
    return [
        OpenAlarm(alarm.gate, AlarmKind(alarm.kind), alarm.last_at, over=alarm.restored_at is not None)
        for alarm in session.scalars(_SELECT_OPEN)
    ]


def count_open(session: Session) -> dict[tuple[str, str, bool], int]:
    """Return the number of open alarms by kind, severity, and whether they were acknowledged."""
    acknowledged = Alarm.acknowledged_at.is_not(None)
    rows = session.execute(
        select(Alarm.kind, Alarm.severity, acknowledged, func.count())
        .where(Alarm.closed_at.is_(None))
        .group_by(Alarm.kind, Alarm.severity, acknowledged)
    )
    return {(kind, severity, bool(seen)): number for kind, severity, seen, number in rows}


def untold(session: Session, routes: Sequence[Route], *, now: datetime) -> list[tuple[Alarm, Route]]:
    """Return which alarms are to be told by which route now."""
    waiting = session.scalars(
        select(Alarm)
        .where(Alarm.closed_at.is_(None), Alarm.acknowledged_at.is_(None))
        .order_by(Alarm.id)
        .limit(_TELLING * 10)
    ).all()
    notices = session.scalars(select(AlarmNotice).where(AlarmNotice.alarm_id.in_([one.id for one in waiting]))).all()
    told: dict[UUID, set[str]] = {}
    for notice in notices:
        if _is_told(notice, now):
            told.setdefault(notice.alarm_id, set()).add(notice.channel)
    found = [
        (alarm, route)
        for alarm in waiting
        for route in due(routes, told.get(alarm.id, ()), kind=AlarmKind(alarm.kind), waited=now - alarm.opened_at)
    ]
    return found[:_TELLING]


def claim(session: Session, alarm_id: UUID, route: Route, *, now: datetime) -> bool:
    """Return whether an alarm is for this process to tell by `route`; then no other tells it for `CLAIM`."""
    alarm = session.scalar(select(Alarm.id).where(Alarm.id == alarm_id).with_for_update(skip_locked=True))
    notice = session.get(AlarmNotice, (alarm_id, route.channel))
    if alarm is None or (notice is not None and _is_told(notice, now)):
        return False
    if notice is None:
        notice = AlarmNotice(alarm_id=alarm_id, channel=route.channel, attempts=0)
        session.add(notice)
    notice.attempts += 1
    notice.next_try_at = now + CLAIM
    return True


def told(session: Session, alarm_id: UUID, route: Route, *, error: str | None, now: datetime) -> None:
    """Write down that an alarm that was claimed was told, or why it could not be."""
    notice = session.get_one(AlarmNotice, (alarm_id, route.channel))
    notice.error = error
    notice.sent_at = now if error is None else None
    notice.next_try_at = None if error is None else next_try(now, notice.attempts)
    alarm = session.get_one(Alarm, alarm_id)
    if route.after > timedelta() and alarm.escalated_at is None:
        alarm.escalated_at = now


def _is_told(notice: AlarmNotice, now: datetime) -> bool:
    """Whether a notice was sent, is claimed by somebody, or failed and is not to be tried again yet."""
    return notice.sent_at is not None or (notice.next_try_at is not None and notice.next_try_at > now)


def _raise(session: Session, signal: Signal, now: datetime) -> bool:
    alarm = _find_open(session, signal)
    nature = NATURE[signal.kind]
    ended = _end_already_reported(session, signal) if signal.historical else None
    if alarm is None and ended is not None and not nature.latching:
        return False
    state = rules.raised(_state(alarm) if alarm is not None else None, signal)
    if alarm is None:
        alarm = Alarm(gate=signal.gate, kind=signal.kind.value, severity=nature.severity.value, opened_at=now)
        session.add(alarm)
    _write(alarm, rules.restored(state, ended) if ended is not None else state)
    _close_if_done(alarm, now)
    session.flush()
    return True


def _restore(session: Session, signal: Signal, now: datetime) -> bool:
    alarm = _find_open(session, signal)
    if alarm is None:
        return False
    before = _state(alarm)
    # What the server itself dated, when its clock was ahead, ends too.
    after = rules.restored(before, min(signal.at, max(now, before.last_at)))
    _write(alarm, after)
    _close_if_done(alarm, now)
    session.flush()
    return after != before


def _find_open(session: Session, signal: Signal) -> Alarm | None:
    return session.scalar(
        select(Alarm)
        .where(Alarm.gate == signal.gate, Alarm.kind == signal.kind.value, Alarm.closed_at.is_(None))
        .with_for_update()
    )


def _end_already_reported(session: Session, signal: Signal) -> datetime | None:
    """Return when the cause of a late event was over, where that was reported before the event itself came."""
    ends = [event for event, kind in ENDED_BY.items() if kind is signal.kind]
    return session.scalar(
        select(func.min(GateEvent.at)).where(
            GateEvent.gate == signal.gate, GateEvent.kind.in_(ends), GateEvent.at >= signal.at
        )
    )


def _state(alarm: Alarm) -> AlarmState:
    return AlarmState(
        raised_at=alarm.raised_at,
        last_at=alarm.last_at,
        count=alarm.count,
        reason=alarm.reason,
        event_id=alarm.event_id,
        restored_at=alarm.restored_at,
        acknowledged_at=alarm.acknowledged_at,
    )


def _write(alarm: Alarm, state: AlarmState) -> None:
    for name, value in asdict(state).items():
        setattr(alarm, name, value)


def _close_if_done(alarm: Alarm, now: datetime) -> None:
    if rules.is_closed(AlarmKind(alarm.kind), _state(alarm)):
        alarm.closed_at = now
