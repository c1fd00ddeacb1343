"""What a room draws: as its meters measure it now, or as the mean between the last two readings."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from metering.readings.register import RegisterBackwardsError, advance
from metering.readings.tables import MeterReading
from metering.rooms.meters import to_register
from metering.rooms.tables import Meter, MeterLine, MeterPeriod
from metering.supply.tables import RoomSupply
from metering.vocabulary import Utility

FRESH = timedelta(minutes=30)
"""Two cycles: an older reading says nothing of what is drawn now."""
MEASURED_LATELY = timedelta(minutes=5)
"""A load that is told later than this may long be switched off."""
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


def find_limits(session: Session, device_id: UUID, usual_w: int | None) -> dict[UUID, int]:
    """Return, by meter with a relay that a device reads, the power (W) that it measures when its room is at its limit.

    The share of each, where a room has several: one of them is above its share whenever all are above the limit.
    `usual_w` is the limit of rooms without their own.
    """
    here = select(MeterPeriod.room_id, func.count().label("meters")).join(Meter, Meter.id == MeterPeriod.meter_id)
    here = here.where(MeterPeriod.ends_at.is_(None), Meter.utility == Utility.ELECTRICITY)
    counted = here.group_by(MeterPeriod.room_id).subquery()
    query = (
        select(Meter.id, MeterPeriod.ratio, counted.c.meters, RoomSupply.load_limit_w)
        .join(MeterPeriod, MeterPeriod.meter_id == Meter.id)
        .join(MeterLine, MeterLine.id == Meter.line_id)
        .join(counted, counted.c.room_id == MeterPeriod.room_id)
        .outerjoin(RoomSupply, RoomSupply.room_id == MeterPeriod.room_id)
        .where(
            MeterLine.device_id == device_id,
            MeterPeriod.ends_at.is_(None),
            Meter.utility == Utility.ELECTRICITY,
            Meter.has_relay.is_(True),
        )
    )
    found = {}
    for meter, ratio, meters, limit_w in session.execute(query):
        wanted = usual_w if limit_w is None else limit_w
        if wanted is not None:
            found[meter] = max(1, wanted // (meters * ratio))
    return found


def sum_by_room(session: Session, measured_w: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return the power (W) behind the transformers of each room, of what its meters measured."""
    query = select(MeterPeriod.meter_id, MeterPeriod.room_id, MeterPeriod.ratio)
    found: dict[UUID, int] = {}
    for meter, room, ratio in session.execute(
        query.where(MeterPeriod.meter_id.in_(measured_w), MeterPeriod.ends_at.is_(None))
    ):
        found[room] = found.get(room, 0) + measured_w[meter] * ratio
    return found


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
