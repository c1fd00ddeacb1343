"""Lists of residents as the dormitory office hands them over: a person's number, building, room, first day.

Rooms are named in them as they are written, and none is guessed: a room that does not exist is an error of its row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.people import authority, spelling
from accounts.people_import import spreadsheet_damage
from accounts.people_import.list_table import ListTableError, Row, read_table
from accounts.principals import Principal
from database import Database
from metering.rooms import registry, residents
from web.problems import ProblemError

COLUMNS = ("number", "building", "room", "day")


class ResidentOutcome(StrEnum):
    """What a list does with one row."""

    MOVED = "moved"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ListedResident:
    """One row: who lives where from which day on."""

    line: int
    number: str
    building: str
    room: str
    day: date


@dataclass(frozen=True, slots=True)
class ResidentRowResult:
    """What became, or in a dry run would become, of one row; `why` is a code."""

    line: int
    outcome: ResidentOutcome
    why: str | None = None


class _DryRunError(Exception):
    """Takes back what a dry run did."""


def parse(content: bytes) -> tuple[list[ListedResident], list[ResidentRowResult]]:
    """Read a list as spreadsheets write it; return its rows, and those that cannot be read.

    Raises:
        ListTableError: it is no table, or lacks a column.
    """
    table = read_table(content)
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise ListTableError(f"it lacks the column {missing[0]!r}; there must be {', '.join(COLUMNS)}")
    rows: list[ListedResident] = []
    unreadable: list[ResidentRowResult] = []
    for row in table.rows:
        try:
            rows.append(_to_row(row))
        except ValueError:
            unreadable.append(ResidentRowResult(row.line, ResidentOutcome.REFUSED, "unreadable"))
    return rows, unreadable


def apply(
    database: Database, rows: Sequence[ListedResident], acting: Principal | None, *, dry_run: bool, now: datetime
) -> list[ResidentRowResult]:
    """Bring who lives where to what the rows say, each in a transaction of its own; a second time nothing changes.

    `acting` is the member of staff who does it, or None for the command line.
    """
    return [_apply(database, row, acting, dry_run=dry_run, now=now) for row in rows]


def _apply(
    database: Database, row: ListedResident, acting: Principal | None, *, dry_run: bool, now: datetime
) -> ResidentRowResult:
    try:
        with database.begin() as session:
            outcome = _settle(session, row, acting, now)
            if dry_run:
                raise _DryRunError
    except _DryRunError:
        return ResidentRowResult(row.line, outcome)
    except ProblemError as error:
        return ResidentRowResult(row.line, ResidentOutcome.REFUSED, error.code)
    return ResidentRowResult(row.line, outcome)


def _settle(session: Session, row: ListedResident, acting: Principal | None, now: datetime) -> ResidentOutcome:
    person = people.by_number(session, row.number)
    if person is None:
        raise UnknownResidentError
    room = registry.find_by_number(session, row.building, row.room)
    if room is None:
        raise UnknownRoomError
    if acting is not None:
        authority.require(session, acting, person.id)
    present = residents.find_residence(session, person.id, row.day)
    if present is not None and present.room_id == room.id:
        return ResidentOutcome.UNCHANGED
    by = audit.SYSTEM if acting is None else acting.actor
    residents.settle(session, person.id, room.id, row.day, by=by, now=now)
    return ResidentOutcome.MOVED


def _to_row(row: Row) -> ListedResident:
    """Return a row's values.

    Raises:
        ValueError: one is missing, or was changed by a spreadsheet.
    """
    cells = {column: spelling.line(row.cells.get(column, "")) for column in COLUMNS}
    if row.too_long or not all(cells.values()) or any(map(spreadsheet_damage.is_calculated, _numbers(cells))):
        raise ValueError
    day = date.fromisoformat(cells["day"].replace("/", "-"))
    return ListedResident(row.line, cells["number"], cells["building"].lower(), cells["room"], day)


def _numbers(cells: dict[str, str]) -> Iterable[str]:
    return cells["number"], cells["room"]


class UnknownResidentError(ProblemError):
    """Nobody has the number of this row."""

    code = "unknown_resident"
    status = 422
    title = "Nobody has this number"


class UnknownRoomError(ProblemError):
    """There is no such room in such a building; none that looks alike is taken for it."""

    code = "unknown_room"
    status = 422
    title = "There is no such room in this building"
