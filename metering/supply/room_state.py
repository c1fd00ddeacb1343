"""A room's stored state: its row, its grounds, its meters with a relay, who lives in it, the weather."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from metering.rooms import residents
from metering.rooms.tables import Meter, MeterPeriod, Residence
from metering.supply.tables import OutdoorTemperature, RoomSupply, SupplyGround
from metering.vocabulary import TripReason, Utility


def lock(session: Session, room_id: UUID) -> RoomSupply:
    """Return the room's row, made where there was none; until the transaction ends nobody else reviews the room."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new = {"room_id": room_id, "is_curfew_exempt": False, "warning_level": 0}
    session.execute(insert(RoomSupply).values(new).on_conflict_do_nothing())
    return session.scalars(select(RoomSupply).filter_by(room_id=room_id).with_for_update()).one()


def find_standing(session: Session, room_id: UUID) -> Sequence[SupplyGround]:
    """Return the grounds that stand, oldest first."""
    statement = select(SupplyGround).where(SupplyGround.room_id == room_id, SupplyGround.ended_at.is_(None))
    return session.scalars(statement.order_by(SupplyGround.began_at, SupplyGround.id)).all()


def find_overloads(session: Session, room_id: UUID) -> Sequence[datetime]:
    """Return when the room tripped for an overload since staff last lifted one."""
    of_room = (SupplyGround.room_id == room_id, SupplyGround.reason == TripReason.OVERLOAD)
    lifted = session.scalar(
        select(func.max(SupplyGround.ended_at)).where(*of_room, SupplyGround.lifted_by.is_not(None))
    )
    since = () if lifted is None else (SupplyGround.began_at >= lifted,)
    return session.scalars(select(SupplyGround.began_at).where(*of_room, *since)).all()


def find_relays(session: Session, room_id: UUID, now: datetime) -> Sequence[Meter]:
    """Return the electricity meters that count for the room now and can cut it off."""
    return session.scalars(
        select(Meter)
        .join(MeterPeriod, MeterPeriod.meter_id == Meter.id)
        .where(
            MeterPeriod.room_id == room_id,
            MeterPeriod.begins_at <= now,
            or_(MeterPeriod.ends_at.is_(None), MeterPeriod.ends_at > now),
            Meter.utility == Utility.ELECTRICITY,
            Meter.has_relay.is_(True),
        )
        .order_by(Meter.number)
    ).all()


def find_people(session: Session, room_id: UUID, now: datetime, zone: tzinfo) -> list[UUID]:
    """Return who lives in the room on the campus's day of `now`."""
    return [one.person_id for one in residents.find_residents(session, room_id, now.astimezone(zone).date())]


def has_a_list_of_residents(session: Session, room_id: UUID) -> bool:
    """Return whether anybody ever lived in the room: where nobody keeps a list, no room is vacant."""
    return session.scalar(select(Residence.id).where(Residence.room_id == room_id).limit(1)) is not None


def find_temperature(session: Session, now: datetime) -> int | None:
    """Return the temperature (°C) that counts now, `None` where nobody said one."""
    newest = session.scalars(select(OutdoorTemperature).order_by(OutdoorTemperature.id.desc()).limit(1)).first()
    return None if newest is None or newest.valid_until <= now else newest.temperature_c
