"""Meters begin and end to count for a room.

Either needs the register's value at that instant, read by a person or from the meter; nothing is ever taken to be zero.
A replacement is one instant with two values: the old one's final and the new one's first.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from metering.readings import history
from metering.readings.register import RegisterBackwardsError, advance
from metering.readings.store import put
from metering.readings.tables import ReadingReview
from metering.readings.values import Reading, Register, ReviewState
from metering.rooms import registry
from metering.rooms.meters import get_line, get_meter, get_open_period, to_register
from metering.rooms.plates import require_plate
from metering.rooms.tables import Meter, MeterPeriod
from metering.vocabulary import ReadingSource
from web.problems import ProblemError


class MeterCountsError(ProblemError):
    """The meter counts for a room now, or did at this instant."""

    code = "meter_counts"
    status = 409
    title = "This meter counts for a room at this time already"


class MeterIdleError(ProblemError):
    """The meter counts for no room, or not yet at this instant."""

    code = "meter_idle"
    status = 409
    title = "This meter counts for no room at this time"


class ReadingContradictedError(ProblemError):
    """The value does not fit the meter's readings before or after it."""

    code = "reading_contradicted"
    status = 409
    title = "This value does not fit the readings before or after it"


@dataclass(frozen=True, slots=True)
class Stand:
    """What a register shows at an instant, and who says so: a person or the meter."""

    at: datetime
    digits: int
    source: ReadingSource = ReadingSource.PERSON


@dataclass(frozen=True, slots=True)
class Exchange:
    """One meter in the place of another at one instant; without `register` the new one's is as the old one's."""

    old: UUID
    new: UUID
    at: datetime
    final_digits: int
    first_digits: int
    source: ReadingSource = ReadingSource.PERSON
    register: Register | None = None


def install(
    session: Session, meter_id: UUID, room_id: UUID, first: Stand, register: Register, *, by: str, now: datetime
) -> MeterPeriod:
    """Let a meter count for a room from an instant on.

    Raises:
        NotFoundError: there is no such meter or room.
        RoomClosedError, MeterCountsError, ReadingContradictedError: see there.
    """
    room = registry.get_open_room(session, room_id, lock=True)
    meter = get_meter(session, meter_id, lock=True)
    at = _require_past(first.at, now)
    overlaps = MeterPeriod.ends_at.is_(None) | (MeterPeriod.ends_at > at)
    if session.scalar(select(MeterPeriod.id).where(MeterPeriod.meter_id == meter_id, overlaps).limit(1)) is not None:
        raise MeterCountsError
    history.lock(session)
    _require_register(first.digits, register)
    _require_forward_after(session, meter, at, first.digits, register)
    period = MeterPeriod(
        meter_id=meter_id,
        room_id=room.id,
        begins_at=at,
        digits=register.digits,
        decimals=register.decimals,
        ratio=register.ratio,
        max_w=register.max_w,
        first_digits=first.digits,
        first_source=first.source,
    )
    session.add(period)
    session.flush()
    put(session, meter.number, Reading(at, at, first.digits, first.source))
    _note(session, "meter.install", period, first, by=by, now=now)
    return period


def remove(session: Session, meter_id: UUID, final: Stand, *, by: str, now: datetime) -> MeterPeriod:
    """Let a meter count no longer from an instant on; it is read no more, and what waits of it needs nobody.

    Raises:
        NotFoundError: there is no such meter.
        MeterIdleError, ReadingContradictedError: see there.
    """
    meter = get_meter(session, meter_id, lock=True)
    period = get_open_period(session, meter_id)
    at = _require_past(final.at, now)
    if period is None or at <= period.begins_at:
        raise MeterIdleError
    history.lock(session)
    _require_register(final.digits, to_register(period))
    _require_forward_before(session, meter, at, final.digits, to_register(period))
    _require_forward_after(session, meter, at, final.digits, to_register(period))
    period.ends_at, period.final_digits, period.final_source = at, final.digits, final.source
    put(session, meter.number, Reading(at, at, final.digits, final.source))
    meter.line_id, meter.silent_since = None, None
    _close_reviews(session, meter, by, now)
    session.flush()
    _note(session, "meter.remove", period, final, by=by, now=now)
    return period


def exchange(session: Session, wanted: Exchange, *, by: str, now: datetime) -> MeterPeriod:
    """Replace a room's meter; the new one takes the old one's line and address unless it has a line of its own.

    Whatever the dates of delivery, mounting and first contact were: the room's bill knows this instant alone.

    Raises:
        NotFoundError: there is no such meter.
        MeterPlateError: the new one does not speak as the old one's line does.
        MeterIdleError, MeterCountsError, ReadingContradictedError: see there.
    """
    old, new = get_meter(session, wanted.old, lock=True), get_meter(session, wanted.new, lock=True)
    line_id, address = old.line_id, old.address
    final = Stand(wanted.at, wanted.final_digits, wanted.source)
    ended = remove(session, wanted.old, final, by=by, now=now)
    if new.line_id is None:
        new.line_id, new.address = line_id, new.address or address
        if line_id is not None:
            require_plate(get_line(session, line_id).protocol, new.model, new.address)
        session.flush()
    first = Stand(wanted.at, wanted.first_digits, wanted.source)
    register = wanted.register or to_register(ended)
    return install(session, wanted.new, ended.room_id, first, register, by=by, now=now)


def _require_past(at: datetime, now: datetime) -> datetime:
    """Return an instant in whole seconds, as readings have them.

    Raises:
        ReadingContradictedError: it is still to come.
    """
    if at > now:
        raise ReadingContradictedError("nobody can have read what a meter will show")
    return at.replace(microsecond=0)


def _require_register(digits: int, register: Register) -> None:
    if not 0 <= digits < register.size:
        raise ReadingContradictedError("the register has fewer digits")


def _require_forward_before(session: Session, meter: Meter, at: datetime, digits: int, register: Register) -> None:
    """Require a value that follows from the readings before; how plausible it is, is for the person to know."""
    for row in history.find_around(session, meter.number, at, at):
        if row.at < at <= row.seen_at and row.digits != digits:
            raise ReadingContradictedError(f"it showed {row.digits} then")
        if row.at <= at:
            _require_forward(row.digits, digits, register)


def _require_forward_after(session: Session, meter: Meter, at: datetime, digits: int, register: Register) -> None:
    for row in history.find_around(session, meter.number, at, at):
        if row.at > at:
            _require_forward(digits, row.digits, register)


def _require_forward(old: int, new: int, register: Register) -> None:
    try:
        advance(old, new, register)
    except RegisterBackwardsError as error:
        raise ReadingContradictedError(f"the register would go backwards, {error}") from error


def _close_reviews(session: Session, meter: Meter, by: str, now: datetime) -> None:
    waiting = (ReadingReview.meter == meter.number) & (ReadingReview.state == ReviewState.WAITING)
    for review in session.scalars(select(ReadingReview).where(waiting)):
        review.state, review.decided_by, review.decided_at = ReviewState.REPLACED, by, now


def _note(session: Session, action: str, period: MeterPeriod, stand: Stand, *, by: str, now: datetime) -> None:
    details: dict[str, audit.Scalar | list[str]] = {
        "room": str(period.room_id),
        "at": stand.at.isoformat(),
        "digits": stand.digits,
        "source": stand.source.value,
    }
    audit.record(session, actor=by, action=action, subject=f"meter:{period.meter_id}", now=now, details=details)
