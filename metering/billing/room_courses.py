"""The courses of a room's electricity meters as they are stored: what billing counts from."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from metering.readings.course import Course
from metering.readings.tables import MeterReading
from metering.readings.values import Reading, Register
from metering.rooms.consumption import RoomCourse
from metering.rooms.tables import Meter, MeterPeriod
from metering.vocabulary import ReadingQuality, Utility


def load_courses(session: Session, room_id: UUID, start: datetime, end: datetime) -> list[RoomCourse]:
    """Return what is known from `start` to `end` of every electricity meter that counted for a room then."""
    query = (
        select(MeterPeriod, Meter)
        .join(Meter, Meter.id == MeterPeriod.meter_id)
        .where(MeterPeriod.room_id == room_id, Meter.utility == Utility.ELECTRICITY, MeterPeriod.begins_at < end)
        .where(or_(MeterPeriod.ends_at.is_(None), MeterPeriod.ends_at > start))
        .order_by(MeterPeriod.begins_at, MeterPeriod.id)
    )
    return [_course(session, period, meter, start, end) for period, meter in session.execute(query)]


def _course(session: Session, period: MeterPeriod, meter: Meter, start: datetime, end: datetime) -> RoomCourse:
    begins = max(start, period.begins_at)
    ends = end if period.ends_at is None else min(end, period.ends_at)
    first = _end_reading(period.begins_at, period.first_digits, period.first_source)
    readings = [first]
    for row in _around(session, meter.number, begins, ends):
        last_seen = row.seen_at if period.ends_at is None else min(row.seen_at, period.ends_at)
        if row.at > period.begins_at and (period.ends_at is None or row.at < period.ends_at):
            readings.append(Reading(row.at, last_seen, row.digits, row.source, row.quality))
    if period.ends_at is not None and period.final_digits is not None and period.final_source is not None:
        readings.append(_end_reading(period.ends_at, period.final_digits, period.final_source))
    register = Register(period.digits, period.decimals, period.ratio, period.max_w)
    return RoomCourse(Course(meter.id, meter.serial, register, tuple(readings)), period.ends_at)


def _end_reading(at: datetime, digits: int, source: object) -> Reading:
    return Reading(at, at, digits, source, ReadingQuality.GOOD)  # type: ignore[arg-type]


def _around(session: Session, meter: int, start: datetime, end: datetime) -> list[MeterReading]:
    """From the last reading that began by `start` to the first one that began after `end`."""
    of_meter = MeterReading.meter == meter
    begins = session.scalar(select(func.max(MeterReading.at)).where(of_meter, MeterReading.at <= start))
    ends = session.scalar(select(func.min(MeterReading.at)).where(of_meter, MeterReading.at > end))
    query = select(MeterReading).where(of_meter, MeterReading.at >= (begins or start), MeterReading.at <= (ends or end))
    return list(session.scalars(query.order_by(MeterReading.at)))
