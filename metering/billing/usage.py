"""What one person used of their rooms' electricity: of each day their equal part, by month.

The parts of all who lived there on a day add up to the day's charge. A vacant day is nobody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from metering.billing import run
from metering.billing.tables import RoomCharge
from metering.rooms.tables import Residence
from metering.tariffs.electricity import Fen, WattHours
from metering.tariffs.electricity_credit import split_equally


@dataclass(frozen=True, slots=True)
class MonthOfUse:
    """A person's part of the charges of a month (`2026-11`), over every room they lived in."""

    month: str
    wh: WattHours
    fen: Fen
    days: int


def find_usage(session: Session, person_id: UUID, first: date, last: date) -> Sequence[MonthOfUse]:
    """Return a person's part of every month from the day `first` until before `last`, by month."""
    stayed = session.scalars(
        select(Residence.room_id)
        .where(
            Residence.person_id == person_id,
            Residence.moved_in < last,
            or_(Residence.moved_out.is_(None), Residence.moved_out > first),
        )
        .distinct()
    ).all()
    months: dict[str, MonthOfUse] = {}
    for room_id in stayed:
        _add_room(session, person_id, room_id, (first, last), months)
    return [months[month] for month in sorted(months)]


def _add_room(
    session: Session, person_id: UUID, room_id: UUID, span: tuple[date, date], months: dict[str, MonthOfUse]
) -> None:
    stays = run.stays_of(session, room_id)
    query = select(RoomCharge.day, RoomCharge.wh, RoomCharge.fen).where(
        RoomCharge.room_id == room_id,
        RoomCharge.day >= span[0],
        RoomCharge.day < span[1],
        RoomCharge.withdrawn_at.is_(None),
    )
    for row in session.execute(query):
        people = sorted({stay.person for stay in stays if stay.is_on(row.day)})
        if person_id in people:
            month = f"{row.day:%Y-%m}"
            before = months.get(month, MonthOfUse(month, WattHours(0), Fen(0), 0))
            # Whoever gets the odd fen changes from day to day.
            turn = row.day.toordinal() % len(people)
            in_turn = people[turn:] + people[:turn]
            wh, fen = (split_equally(amount, in_turn)[person_id] for amount in (row.wh, row.fen))
            months[month] = MonthOfUse(month, WattHours(before.wh + wh), Fen(before.fen + fen), before.days + 1)
