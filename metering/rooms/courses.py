"""A room's meters over a time, with the readings that say what they showed: what bills and charts are made of."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from metering.readings import history
from metering.readings.course import Course, NotReadYetError
from metering.readings.values import Reading, ReadingAt
from metering.rooms.consumption import RoomCourse
from metering.rooms.meters import get_meter, to_register
from metering.rooms.tables import Meter, MeterPeriod
from metering.vocabulary import Utility


def load_courses(
    session: Session, room_id: UUID, start: datetime, end: datetime, utility: Utility = Utility.ELECTRICITY
) -> list[RoomCourse]:
    """Return the course of each meter that counted for a room between two instants, as far as that time needs."""
    query = (
        select(MeterPeriod, Meter)
        .join(Meter, Meter.id == MeterPeriod.meter_id)
        .where(
            MeterPeriod.room_id == room_id,
            Meter.utility == utility,
            MeterPeriod.begins_at < end,
            MeterPeriod.ends_at.is_(None) | (MeterPeriod.ends_at > start),
        )
        .order_by(MeterPeriod.begins_at, Meter.number)
    )
    return [_load(session, period, meter, start, end) for period, meter in session.execute(query)]


def reading_at(session: Session, meter_id: UUID, at: datetime) -> ReadingAt:
    """Return what a meter showed at an instant in which it counted; interpolated, and said to be, where nobody read it.

    Raises:
        NotFoundError: there is no such meter.
        NotReadYetError: it was not read at or after that instant, or did not count for a room then.
    """
    meter = get_meter(session, meter_id)
    query = select(MeterPeriod).where(
        MeterPeriod.meter_id == meter_id,
        MeterPeriod.begins_at <= at,
        MeterPeriod.ends_at.is_(None) | (MeterPeriod.ends_at >= at),
    )
    period = session.scalar(query.order_by(MeterPeriod.begins_at.desc()).limit(1))
    if period is None:
        raise NotReadYetError(meter_id, at)
    return _load(session, period, meter, at, at).course.value_at(at)


def _load(session: Session, period: MeterPeriod, meter: Meter, start: datetime, end: datetime) -> RoomCourse:
    """Return a period's course from the reading that says its value at `start` to the one that says it at `end`."""
    begins, ends = period.begins_at, period.ends_at
    rows = history.find_around(session, meter.number, max(start, begins), end if ends is None else min(end, ends))
    inside = [history.to_reading(row) for row in rows if row.at > begins and (ends is None or row.at < ends)]
    reaches_back = bool(inside) and inside[0].at <= start
    first = [] if reaches_back else [Reading(begins, begins, period.first_digits, period.first_source)]
    final = []
    if ends is not None and period.final_digits is not None and period.final_source is not None:
        final = [Reading(ends, ends, period.final_digits, period.final_source)]
    if first and rows and rows[0].at == begins:
        # The first value as it is stored: it knows until when it was seen.
        first = [history.to_reading(rows[0])]
    readings = tuple(_ending_before([*first, *inside, *final]))
    return RoomCourse(Course(meter.id, meter.serial, to_register(period), readings), ends)


def _ending_before(readings: list[Reading]) -> Iterable[Reading]:
    """Let no reading have been seen for longer than until the next one: a period's final value may lie inside."""
    for one, following in pairwise(readings):
        seen_at = min(one.seen_at, following.at)
        yield Reading(one.at, seen_at, one.digits, one.source, one.quality, one.tariffs)
    yield from readings[-1:]
