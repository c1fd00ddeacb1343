"""The day's reconciliation: what the meters counted, what was charged, and what the ledger took must be one story."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from accounts.ledger.tables import JournalTransfer
from metering.billing import charges
from metering.billing.tables import RoomBilling, RoomCharge
from metering.readings.course import NotReadYetError
from metering.rooms.consumption import find_consumption
from metering.rooms.courses import load_courses
from metering.rooms.tables import Building, Room
from metering.tariffs.electricity import Fen, WattHours, midnight
from metering.tariffs.electricity_quota import DAY


class Finding(StrEnum):
    """What is to be said of a room's day."""

    AGREES = "agrees"
    VACANT = "vacant"
    """It agrees, and nobody paid: energy was used where nobody lives."""
    NOT_BILLED = "not_billed"
    """Its meter was not read to the day's end."""
    READINGS_DIFFER = "readings_differ"
    """The readings of now say another energy; the next billing run corrects the charge."""
    NO_LONGER_READ = "no_longer_read"
    """It was charged, and by the readings of now a meter was not read to the day's end; the charge stands."""
    LEDGER_DIFFERS = "ledger_differs"
    """The ledger did not take what was charged, what was withdrawn did not go back, or it took what no charge says."""


@dataclass(frozen=True, slots=True)
class RoomDay:
    """One room's day. Energy by the readings and as charged; money as charged and as the ledger has it."""

    room_id: UUID
    building: str
    number: str
    finding: Finding
    read_wh: WattHours | None
    charged_wh: WattHours
    charged_fen: Fen
    ledger_fen: Fen


def reconcile(session: Session, day: date, now: datetime, zone: ZoneInfo) -> list[RoomDay]:
    """Return every room that is billed, for a past day, by building and number."""
    rows = session.execute(
        select(RoomBilling, Room, Building)
        .join(Room, Room.id == RoomBilling.room_id)
        .join(Building, Building.id == Room.building_id)
        .where(RoomBilling.begins_on <= day)
        .order_by(Building.code, Room.number)
    ).all()
    by_room: dict[UUID, list[RoomCharge]] = {}
    for charge in session.scalars(select(RoomCharge).where(RoomCharge.day == day)):
        by_room.setdefault(charge.room_id, []).append(charge)
    lines = _lines(session, [one.id for found in by_room.values() for one in found])
    strays = _find_strays(session, day, zone)
    return [
        _compare(
            room,
            building,
            by_room.get(room.id, []),
            lines,
            read=_read(session, room.id, day, now, zone),
            stray=strays.get(room.id, 0),
        )
        for _, room, building in rows
    ]


def _compare(
    room: Room,
    building: Building,
    found: list[RoomCharge],
    lines: Mapping[UUID, int],
    *,
    read: WattHours | None,
    stray: int,
) -> RoomDay:
    stands = next((one for one in found if one.withdrawn_at is None), None)
    in_ledger = sum(lines.get(one.id, 0) - lines.get(charges.withdrawal_id(one.id), 0) for one in found) + stray
    charged_wh = WattHours(0 if stands is None else stands.wh)
    charged = Fen(0 if stands is None else stands.fen)
    finding = _finding(stands, read, charged_wh, agrees=in_ledger == charged)
    return RoomDay(room.id, building.name, room.number, finding, read, charged_wh, charged, Fen(in_ledger))


def _finding(stands: RoomCharge | None, read: WattHours | None, charged: WattHours, *, agrees: bool) -> Finding:
    if not agrees:
        return Finding.LEDGER_DIFFERS
    if stands is None:
        return Finding.NOT_BILLED if read != 0 else Finding.AGREES
    if read is None:
        return Finding.NO_LONGER_READ
    if read != charged:
        return Finding.READINGS_DIFFER
    return Finding.VACANT if stands.is_vacant and charged else Finding.AGREES


def _read(session: Session, room_id: UUID, day: date, now: datetime, zone: ZoneInfo) -> WattHours | None:
    start, end = midnight(day, zone), midnight(day + DAY, zone)
    if end > now:
        return None
    try:
        return WattHours(find_consumption(load_courses(session, room_id, start, end), start, end).wh)
    except NotReadYetError:
        return None


def _lines(session: Session, charged: list[UUID]) -> dict[UUID, int]:
    """What the journal says of charges and of what took them back, by id."""
    found: dict[UUID, int] = {}
    for ids in _some([*charged, *map(charges.withdrawal_id, charged)]):
        query = select(JournalTransfer.id, JournalTransfer.amount).where(JournalTransfer.id.in_(ids))
        found.update({row.id: row.amount for row in session.execute(query)})
    return found


def _find_strays(session: Session, day: date, zone: ZoneInfo) -> dict[UUID, int]:
    """What the journal took from each account for electricity, in lines of this day that follow from no charge."""
    is_charge = select(RoomCharge.id).where(RoomCharge.id == JournalTransfer.id).exists()
    withdrawn = RoomCharge.id == JournalTransfer.corrects, RoomCharge.withdrawn_at.is_not(None)
    is_withdrawal = select(RoomCharge.id).where(*withdrawn).exists()
    query = select(JournalTransfer).where(
        JournalTransfer.recorded_at >= midnight(day, zone),
        JournalTransfer.recorded_at < midnight(day + DAY, zone),
        or_(
            and_(JournalTransfer.purpose == charges.ELECTRICITY, ~is_charge),
            and_(JournalTransfer.purpose == charges.WITHDRAWN, ~is_withdrawal),
        ),
    )
    found: dict[UUID, int] = {}
    for line in session.scalars(query):
        found[line.debit] = found.get(line.debit, 0) + line.amount
        found[line.credit] = found.get(line.credit, 0) - line.amount
    return found


def _some(ids: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]
