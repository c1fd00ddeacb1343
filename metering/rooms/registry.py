"""Buildings and rooms: entered once by staff, and from then on chosen by id, never typed."""

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts import audit
from metering.rooms.tables import Building, MeterPeriod, Residence, Room
from web.problems import NotFoundError, ProblemError


class BuildingTakenError(ProblemError):
    """Another building has this code."""

    code = "building_taken"
    status = 409
    title = "Another building has this code"


class RoomTakenError(ProblemError):
    """The building has a room with this number."""

    code = "room_taken"
    status = 409
    title = "This building has a room with this number"


class RoomInUseError(ProblemError):
    """Somebody lives in the room, or a meter counts for it."""

    code = "room_in_use"
    status = 409
    title = "Somebody lives in this room, or a meter counts for it"


class RoomClosedError(ProblemError):
    """The room was closed: nobody moves in, and no meter counts for it any more."""

    code = "room_closed"
    status = 409
    title = "This room was closed"


def add_building(session: Session, code: str, name: str, *, by: str, now: datetime) -> Building:
    """Add a building.

    Raises:
        BuildingTakenError: see there.
    """
    if session.scalar(select(Building.id).where(Building.code == code)) is not None:
        raise BuildingTakenError
    building = Building(code=code, name=name)
    _insert(session, building, BuildingTakenError)
    audit.record(session, actor=by, action="building.add", subject=f"building:{building.id}", now=now)
    return building


def add_room(session: Session, building_id: UUID, number: str, beds: int, *, by: str, now: datetime) -> Room:
    """Add a room to a building.

    Raises:
        NotFoundError: there is no such building.
        RoomTakenError: see there.
    """
    building, number = get_building(session, building_id), spell(number)
    if find_by_number(session, building.code, number) is not None:
        raise RoomTakenError
    room = Room(building_id=building_id, number=number, beds=beds)
    _insert(session, room, RoomTakenError)
    audit.record(session, actor=by, action="room.add", subject=f"room:{room.id}", now=now, details={"beds": beds})
    return room


def close_room(session: Session, room_id: UUID, *, by: str, now: datetime) -> Room:
    """Close a room for good; its readings and bills stay.

    Raises:
        NotFoundError: there is no such room.
        RoomInUseError: see there.
    """
    room = get_room(session, room_id, lock=True)
    lives = select(Residence.id).where(Residence.room_id == room_id, Residence.moved_out.is_(None))
    counts = select(MeterPeriod.id).where(MeterPeriod.room_id == room_id, MeterPeriod.ends_at.is_(None))
    if session.scalar(lives.limit(1)) is not None or session.scalar(counts.limit(1)) is not None:
        raise RoomInUseError
    if room.closed_at is None:
        room.closed_at = now
        audit.record(session, actor=by, action="room.close", subject=f"room:{room.id}", now=now)
    return room


def get_building(session: Session, building_id: UUID) -> Building:
    """Return a building.

    Raises:
        NotFoundError: there is none.
    """
    building = session.get(Building, building_id)
    if building is None:
        raise NotFoundError("there is no building with this id")
    return building


def get_room(session: Session, room_id: UUID, *, lock: bool = False) -> Room:
    """Return a room, locked against other writers if `lock`.

    Raises:
        NotFoundError: there is none.
    """
    room = session.get(Room, room_id, with_for_update=True if lock else None)
    if room is None:
        raise NotFoundError("there is no room with this id")
    return room


def get_open_room(session: Session, room_id: UUID, *, lock: bool = False) -> Room:
    """Return a room that was not closed.

    Raises:
        NotFoundError: there is none.
        RoomClosedError: see there.
    """
    room = get_room(session, room_id, lock=lock)
    if room.closed_at is not None:
        raise RoomClosedError
    return room


def find_buildings(session: Session) -> Sequence[Building]:
    """Return all buildings, by code."""
    return session.scalars(select(Building).order_by(Building.code)).all()


def find_rooms(session: Session, building_id: UUID, *, after: str | None = None, limit: int = 50) -> Sequence[Room]:
    """Return a building's rooms by number, from after the number `after`."""
    query = select(Room).where(Room.building_id == building_id).order_by(Room.number).limit(limit)
    if after is not None:
        query = query.where(Room.number > after)
    return session.scalars(query).all()


def find_names(session: Session, room_ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return building and number of rooms, by their ids."""
    query = select(Room.id, Building.name, Room.number).join(Building, Building.id == Room.building_id)
    return {row[0]: (row[1], row[2]) for row in session.execute(query.where(Room.id.in_(room_ids)))}


def find_by_number(session: Session, building_code: str, number: str) -> Room | None:
    """Return the room with exactly this number in the building with this code, for lists; people choose by id."""
    query = select(Room).join(Building).where(Building.code == building_code, Room.number == spell(number))
    return session.scalar(query)


def spell(number: str) -> str:
    """Return a room's number in its one spelling: plain letters and digits, none added, none taken away."""
    return unicodedata.normalize("NFKC", number).strip().upper()


def _insert(session: Session, row: Building | Room, taken: type[ProblemError]) -> None:
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise taken from error
