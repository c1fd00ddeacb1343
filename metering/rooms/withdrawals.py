"""What turned out wrong is taken back: readings that were believed, a period's values, an installation in a wrong room.

Nothing is erased: withdrawn readings stay beside the others with the reason, as those that were never believed do. The
bills of the last 60 days follow by themselves; what is older is settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts import audit
from database import new_id
from metering.readings import history
from metering.readings.judgement import LATE
from metering.readings.register import RegisterBackwardsError, advance
from metering.readings.store import put
from metering.readings.tables import DoubtfulReading, MeterReading, ReadingReview
from metering.readings.values import Doubt, Reading, Register, ReviewState
from metering.rooms.installation import MeterCountsError, ReadingContradictedError
from metering.rooms.meters import get_meter, to_register
from metering.rooms.tables import Meter, MeterPeriod
from metering.vocabulary import ReadingSource
from web.problems import NotFoundError, ProblemError

_SECOND = timedelta(seconds=1)
"""As exact as readings are stored."""


class ReadingSettledError(ProblemError):
    """Bills follow 60 days back only: what is older is given back as money, in a dispute."""

    code = "reading_settled"
    status = 409
    title = "What was read so long ago is settled, and no bill would follow"


class ReadingOfPeriodError(ProblemError):
    """One of the readings is a period's first or final value, which is corrected and not left out."""

    code = "reading_of_period"
    status = 409
    title = "With this reading a meter began or ceased to count for a room: correct the value instead"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What a withdrawal does: the readings that go, and the good ones before and after."""

    readings: tuple[Reading, ...]
    before: Reading | None
    after: Reading | None


def foresee(session: Session, meter_id: UUID, start: datetime, end: datetime, *, now: datetime) -> Withdrawn:
    """Return what the withdrawal of a meter's readings from `start` to `end`, both included, would do.

    Raises:
        NotFoundError: there is no such meter, or it has no readings then.
        ReadingSettledError, ReadingOfPeriodError: see there.
        ReadingContradictedError: without them the register would go backwards.
    """
    meter = get_meter(session, meter_id)
    rows = _rows(session, meter, start, end)
    if not rows:
        raise NotFoundError("nothing was read then")
    _require_open(rows[0].at, now)
    periods = session.scalars(select(MeterPeriod).where(MeterPeriod.meter_id == meter_id)).all()
    ends_of_periods = {period.begins_at for period in periods} | {period.ends_at for period in periods}
    if any(row.at in ends_of_periods for row in rows):
        raise ReadingOfPeriodError
    around = [history.to_reading(row) for row in history.find_around(session, meter.number, rows[0].at - _SECOND, end)]
    before = max((one for one in around if one.at < rows[0].at), key=lambda one: one.at, default=None)
    after = min((one for one in around if one.at > rows[-1].at), key=lambda one: one.at, default=None)
    period = next((one for one in periods if _covers(one, rows[0].at)), None)
    if before is not None and after is not None:
        _require_forward(before.digits, after.digits, Register() if period is None else to_register(period))
    return Withdrawn(tuple(history.to_reading(row) for row in rows), before, after)


def withdraw_readings(
    session: Session, meter_id: UUID, start: datetime, end: datetime, *, reason: str, by: str, now: datetime
) -> Withdrawn:
    """Take readings back that were believed; they never come in again, and what they said is worked out from the rest.

    Raises:
        NotFoundError, ReadingSettledError, ReadingOfPeriodError, ReadingContradictedError: as `foresee`.
    """
    history.lock(session)
    meter = get_meter(session, meter_id, lock=True)
    found = foresee(session, meter_id, start, end, now=now)
    _keep(session, meter, _rows(session, meter, start, end), reason=reason, by=by, now=now)
    details: dict[str, audit.Scalar | list[str]] = {
        "from": found.readings[0].at.isoformat(),
        "until": found.readings[-1].at.isoformat(),
        "readings": len(found.readings),
        "reason": reason,
    }
    audit.record(session, actor=by, action="reading.withdraw", subject=f"meter:{meter_id}", now=now, details=details)
    return found


@dataclass(frozen=True, slots=True)
class Correction:
    """What is right of a period; what is None stays. `register` may have other transformers or decimals."""

    first_digits: int | None = None
    final_digits: int | None = None
    register: Register | None = None


def correct_period(
    session: Session, meter_id: UUID, period_id: UUID, right: Correction, *, reason: str, by: str, now: datetime
) -> MeterPeriod:
    """Correct with what a meter began or ceased to count for a room, or what its register is.

    Raises:
        NotFoundError: there is no such period of this meter.
        ReadingSettledError: see there.
        ReadingContradictedError: a value does not fit the meter's other readings, or the register.
    """
    history.lock(session)
    meter = get_meter(session, meter_id, lock=True)
    period = get_period(session, meter_id, period_id)
    _require_open(period.begins_at if right.final_digits is None or period.ends_at is None else period.ends_at, now)
    if right.first_digits is not None or right.register is not None:
        _require_open(period.begins_at, now)
    before = _told(period)
    if right.register is not None:
        _require_room_for(session, meter, period, right.register)
        period.digits, period.decimals = right.register.digits, right.register.decimals
        period.ratio, period.max_w = right.register.ratio, right.register.max_w
    if right.first_digits is not None:
        _set_value(session, meter, period, period.begins_at, right.first_digits)
        period.first_digits, period.first_source = right.first_digits, ReadingSource.PERSON
    if right.final_digits is not None:
        if period.ends_at is None:
            raise ReadingContradictedError("the meter still counts: there is no final value")
        _set_value(session, meter, period, period.ends_at, right.final_digits)
        period.final_digits, period.final_source = right.final_digits, ReadingSource.PERSON
    session.flush()
    details: dict[str, audit.Scalar | list[str]] = {"was": before, "is": _told(period), "reason": reason}
    audit.record(
        session, actor=by, action="meter_period.correct", subject=f"meter:{meter_id}", now=now, details=details
    )
    return period


def withdraw_installation(
    session: Session, meter_id: UUID, period_id: UUID, *, reason: str, by: str, now: datetime
) -> None:
    """Take back that a meter began to count for a room, as for a wrong one; it is then installed where it hangs.

    Raises:
        NotFoundError: there is no such period of this meter.
        MeterCountsError: the meter has counted elsewhere since.
        ReadingSettledError: see there.
    """
    history.lock(session)
    meter = get_meter(session, meter_id, lock=True)
    period = get_period(session, meter_id, period_id)
    _require_open(period.begins_at, now)
    later = select(MeterPeriod.id).where(MeterPeriod.meter_id == meter_id, MeterPeriod.begins_at > period.begins_at)
    if session.scalar(later.limit(1)) is not None:
        raise MeterCountsError
    is_anothers = select(MeterPeriod.id).where(
        MeterPeriod.meter_id == meter_id, MeterPeriod.ends_at == period.begins_at, MeterPeriod.id != period_id
    )
    # What the meter was also seen to show stays a reading of it; what only this installation said goes with it.
    rows = [row for row in _rows(session, meter, period.begins_at, period.begins_at) if row.seen_at == row.at]
    if rows and session.scalar(is_anothers.limit(1)) is None:
        _keep(session, meter, rows, reason=reason, by=by, now=now)
    details: dict[str, audit.Scalar | list[str]] = {
        "room": str(period.room_id),
        "at": period.begins_at.isoformat(),
        "was": _told(period),
        "reason": reason,
    }
    session.delete(period)
    session.flush()
    audit.record(
        session, actor=by, action="meter.installation.withdraw", subject=f"meter:{meter_id}", now=now, details=details
    )


def _rows(session: Session, meter: Meter, start: datetime, end: datetime) -> Sequence[MeterReading]:
    query = select(MeterReading).where(
        MeterReading.meter == meter.number, MeterReading.at >= start, MeterReading.at <= end
    )
    return session.scalars(query.order_by(MeterReading.at)).all()


def _keep(session: Session, meter: Meter, rows: Sequence[MeterReading], *, reason: str, by: str, now: datetime) -> None:
    """Put rows beside the readings, under a review that says who took them back and why."""
    review = ReadingReview(
        id=new_id(),
        meter=meter.number,
        doubt=Doubt.WITHDRAWN,
        state=ReviewState.WITHDRAWN,
        first_at=rows[0].at,
        last_at=rows[-1].at,
        readings=len(rows),
        decided_by=by,
        decided_at=now,
        note=reason,
    )
    session.add(review)
    for row in rows:
        session.merge(
            DoubtfulReading(
                meter=meter.number,
                at=row.at,
                seen_at=row.seen_at,
                digits=row.digits,
                serial=meter.serial,
                source=row.source,
                doubt=Doubt.WITHDRAWN,
                review_id=review.id,
            )
        )
        session.delete(row)
    session.flush()


def get_period(session: Session, meter_id: UUID, period_id: UUID) -> MeterPeriod:
    """Return a period of a meter, locked.

    Raises:
        NotFoundError: there is none.
    """
    period = session.get(MeterPeriod, period_id, with_for_update=True)
    if period is None or period.meter_id != meter_id:
        raise NotFoundError("this meter has no such period")
    return period


def _set_value(session: Session, meter: Meter, period: MeterPeriod, at: datetime, digits: int) -> None:
    """Let the meter have shown another value at the instant at which a period begins or ends."""
    register = to_register(period)
    if not 0 <= digits < register.size:
        raise ReadingContradictedError("the register has fewer digits")
    others = select(MeterPeriod).where(MeterPeriod.meter_id == meter.id, MeterPeriod.id != period.id)
    for other in session.scalars(others.where((MeterPeriod.begins_at == at) | (MeterPeriod.ends_at == at))):
        if digits != (other.first_digits if other.begins_at == at else other.final_digits):
            raise ReadingContradictedError("another period of this meter begins or ends with another value then")
    row = session.get(MeterReading, (meter.number, at))
    if row is not None and row.digits != digits:
        if row.seen_at > row.at:
            raise ReadingContradictedError(f"the meter itself showed {row.digits} until {row.seen_at.isoformat()}")
        session.delete(row)
        session.flush()
    around = history.find_around(session, meter.number, at, at)
    for one in around:
        if one.at < at <= one.seen_at and one.digits != digits:
            raise ReadingContradictedError(f"it showed {one.digits} then")
        if one.at < at:
            _require_forward(one.digits, digits, register)
        elif one.at > at:
            _require_forward(digits, one.digits, register)
    put(session, meter.number, Reading(at, at, digits, ReadingSource.PERSON))


def _require_room_for(session: Session, meter: Meter, period: MeterPeriod, register: Register) -> None:
    """Require a register in which everything that was read in the period has room."""
    ends = () if period.ends_at is None else (MeterReading.at <= period.ends_at,)
    query = select(func.max(MeterReading.digits)).where(
        MeterReading.meter == meter.number, MeterReading.at >= period.begins_at, *ends
    )
    highest = max(session.scalar(query) or 0, period.first_digits, period.final_digits or 0)
    if highest >= register.size:
        raise ReadingContradictedError(f"it showed {highest}, which has more digits than the register")


def _require_open(at: datetime, now: datetime) -> None:
    if at < now - LATE:
        raise ReadingSettledError


def _require_forward(old: int, new: int, register: Register) -> None:
    try:
        advance(old, new, register)
    except RegisterBackwardsError as error:
        raise ReadingContradictedError(f"the register would go backwards, {error}") from error


def _covers(period: MeterPeriod, at: datetime) -> bool:
    return period.begins_at <= at and (period.ends_at is None or at <= period.ends_at)


def _told(period: MeterPeriod) -> str:
    """What a correction may change, for the trail."""
    register = f"{period.digits}.{period.decimals} x{period.ratio} {period.max_w} W"
    return f"first {period.first_digits}, final {period.final_digits}, register {register}"
