"""What a room draws, as the mean between the last two readings of its meters."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from metering.readings.register import RegisterBackwardsError, advance
from metering.readings.tables import MeterReading
from metering.rooms.meters import to_register
from metering.rooms.tables import Meter, MeterPeriod
from metering.vocabulary import Utility

FRESH = timedelta(minutes=30)
"""Two cycles: an older reading says nothing of what is drawn now."""
_SHORTEST = timedelta(minutes=1)
"""One step of the last digit within less would look like a load that is not there."""


def find_power(session: Session, room_id: UUID, now: datetime) -> tuple[int, datetime] | None:
    """Return the power (W) that a room draws on all its meters, and when the earliest of their readings is from.

    `None` where a meter was not read twice, or not lately, or jumped.
    """
    found = [_power_of(session, meter, period, now) for meter, period in _meters(session, room_id, now)]
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None
    return sum(watts for watts, _ in known), min(at for _, at in known)


def _meters(session: Session, room_id: UUID, now: datetime) -> list[tuple[Meter, MeterPeriod]]:
    query = (
        select(Meter, MeterPeriod)
        .join(MeterPeriod, MeterPeriod.meter_id == Meter.id)
        .where(
            MeterPeriod.room_id == room_id,
            MeterPeriod.begins_at <= now,
            or_(MeterPeriod.ends_at.is_(None), MeterPeriod.ends_at > now),
            Meter.utility == Utility.ELECTRICITY,
        )
    )
    return [(meter, period) for meter, period in session.execute(query)]


def _power_of(session: Session, meter: Meter, period: MeterPeriod, now: datetime) -> tuple[int, datetime] | None:
    query = (
        select(MeterReading)
        .where(MeterReading.meter == meter.number, MeterReading.at >= period.begins_at, MeterReading.at <= now)
        .order_by(MeterReading.at.desc())
        .limit(2)
    )
    rows = session.scalars(query).all()
    if not rows or rows[0].seen_at < now - FRESH:
        return None
    last = rows[0]
    if last.seen_at > last.at:
        return 0, last.seen_at
    if len(rows) < 2 or last.at - rows[1].seen_at < _SHORTEST:
        return None
    register = to_register(period)
    try:
        wh = register.to_wh(advance(rows[1].digits, last.digits, register))
    except RegisterBackwardsError:
        return None
    return wh * 3_600 // int((last.at - rows[1].seen_at).total_seconds()), last.at
