"""Lists of rooms: building, room, beds. A building or a room that is missing is added; nothing is changed or closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.people import spelling
from accounts.people_import import spreadsheet_damage
from accounts.people_import.list_table import ListTableError, Row, read_table
from database import Database
from metering.rooms import registry
from metering.rooms.tables import Building

COLUMNS = ("building", "room", "beds")


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """One row."""

    line: int
    building: str
    room: str
    beds: int


def parse(content: bytes) -> tuple[list[ListedRoom], list[int]]:
    """Read a list as spreadsheets write it; return its rows, and the numbers of lines that describe no room.

    Raises:
        ListTableError: it is no table, or lacks a column.
    """
    table = read_table(content)
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise ListTableError(f"it lacks the column {missing[0]!r}; there must be {', '.join(COLUMNS)}")
    rows = [_to_room(row) for row in table.rows]
    return [row for row in rows if row is not None], [
        row.line for row, room in zip(table.rows, rows, strict=True) if room is None
    ]


def add_missing(database: Database, rows: Sequence[ListedRoom], *, dry_run: bool, now: datetime) -> list[ListedRoom]:
    """Add what is missing, in one transaction; return the rooms that were, or in a dry run would be, added."""
    if dry_run:
        with database.read() as session:
            return [row for row in rows if registry.find_by_number(session, row.building, row.room) is None]
    added = []
    with database.begin() as session:
        for row in rows:
            if registry.find_by_number(session, row.building, row.room) is None:
                building = _get_or_add(session, row.building, now)
                registry.add_room(session, building.id, row.room, row.beds, by=audit.SYSTEM, now=now)
                added.append(row)
    return added


def _get_or_add(session: Session, code: str, now: datetime) -> Building:
    found = session.scalar(select(Building).where(Building.code == code))
    return found or registry.add_building(session, code, code, by=audit.SYSTEM, now=now)


def _to_room(row: Row) -> ListedRoom | None:
    cells = {column: spelling.line(row.cells.get(column, "")) for column in COLUMNS}
    beds = cells["beds"]
    if row.too_long or not all(cells.values()) or spreadsheet_damage.is_calculated(cells["room"]):
        return None
    if not (beds.isascii() and beds.isdecimal() and 1 <= int(beds) <= 100):
        return None
    return ListedRoom(row.line, cells["building"].lower(), registry.spell(cells["room"]), int(beds))
