"""Lists of residents as the dormitory office hands them over: a person's number, building, room, first day.

Rooms are named in them as they are written, and none is guessed: a room that does not exist is an error of its row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import people
from accounts.people import spelling
from accounts.people_import import spreadsheet_damage
from accounts.people_import.list_table import ListTableError, Row, read_table
from database import Database
from metering.rooms import registry, residents
from metering.rooms.residents import RoomFullError
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


class Leave(Protocol):
    """Lets a person move out of where they live on a day, unless that is the room; refuses whoever may not leave."""

    def __call__(self, session: Session, *, person_id: UUID, room_id: UUID, day: date) -> None:
        """Let them leave.

        Raises:
            ProblemError: they may not, such as with a debt.
        """


Begin = Callable[[], AbstractContextManager[Session]]
"""Begins a transaction, or a part of one that may be taken back alone."""


class _RefusedError(Exception):
    """Takes back what was done together, as some rows could not be."""


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
    database: Database, rows: Sequence[ListedResident], leave: Leave, *, by: str, dry_run: bool, now: datetime
) -> list[ResidentRowResult]:
    """Bring who lives where to what the rows say, each in a transaction of its own; a second time nothing changes.

    The order of the rows does not matter: a row whose room is full waits for those that leave it, and people who change
    places, two or many, do so in one transaction.
    """
    if not dry_run:
        return _apply_all(database.begin, rows, _Work(leave, by, now))
    results: list[ResidentRowResult] = []
    with suppress(_DryRunError), database.begin() as session:
        results = _apply_all(lambda: _nested(session), rows, _Work(leave, by, now))
        raise _DryRunError
    return results


@contextmanager
def _nested(session: Session) -> Iterator[Session]:
    with session.begin_nested():
        yield session


def _apply_all(begin: Begin, rows: Sequence[ListedResident], work: "_Work") -> list[ResidentRowResult]:
    results: dict[int, ResidentRowResult] = {}
    waiting = list(enumerate(rows))
    while waiting:
        for place, row in waiting:
            results[place] = work.alone(begin, row)
        full = [(place, row) for place, row in waiting if results[place].why == RoomFullError.code]
        if len(full) == len(waiting):
            break
        waiting = full
    for _ in range(_ROUNDS):
        if len(waiting) < 2:
            break
        refused = work.together(begin, [row for _, row in waiting])
        if not refused:
            results.update((place, ResidentRowResult(row.line, ResidentOutcome.MOVED)) for place, row in waiting)
            break
        waiting = [(place, row) for place, row in waiting if row not in refused]
    return [results[place] for place in range(len(rows))]


_ROUNDS = 10
"""In each, who has no bed or may not leave stays where they are, so that in the next others may have none."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with rows."""

    leave: Leave
    by: str
    now: datetime

    def alone(self, begin: Begin, row: ListedResident) -> ResidentRowResult:
        """Move one row's person, in a transaction."""
        try:
            with begin() as session:
                person_id, room_id = _find(session, row)
                self.leave(session, person_id=person_id, room_id=room_id, day=row.day)
                outcome = self._enter(session, row, person_id, room_id)
        except ProblemError as error:
            return ResidentRowResult(row.line, ResidentOutcome.REFUSED, error.code)
        return ResidentRowResult(row.line, outcome)

    def together(self, begin: Begin, rows: Sequence[ListedResident]) -> list[ListedResident]:
        """Let all leave, then all enter, in one transaction; return those who could not, and then nothing is done."""
        refused: list[ListedResident] = []
        try:
            with begin() as session:
                for step in (self._leave_one, self._enter_one):
                    refused += [row for row in rows if not _has_done(session, step, row)]
                if refused:
                    raise _RefusedError
        except _RefusedError:
            return refused
        return []

    def _leave_one(self, session: Session, row: ListedResident) -> None:
        person_id, room_id = _find(session, row)
        self.leave(session, person_id=person_id, room_id=room_id, day=row.day)

    def _enter_one(self, session: Session, row: ListedResident) -> None:
        self._enter(session, row, *_find(session, row))

    def _enter(self, session: Session, row: ListedResident, person_id: UUID, room_id: UUID) -> ResidentOutcome:
        present = residents.find_residence(session, person_id, row.day)
        if present is not None and present.room_id == room_id:
            return ResidentOutcome.UNCHANGED
        residents.settle(session, person_id, room_id, row.day, by=self.by, now=self.now)
        return ResidentOutcome.MOVED


def _has_done(session: Session, step: Callable[[Session, ListedResident], None], row: ListedResident) -> bool:
    try:
        with session.begin_nested():
            step(session, row)
    except ProblemError:
        return False
    return True


def _find(session: Session, row: ListedResident) -> tuple[UUID, UUID]:
    """Return the ids of a row's person and room.

    Raises:
        UnknownResidentError, UnknownRoomError: see there.
    """
    person = people.by_number(session, row.number)
    if person is None:
        raise UnknownResidentError
    room = registry.find_by_number(session, row.building, row.room)
    if room is None:
        raise UnknownRoomError
    return person.id, room.id


def _to_row(row: Row) -> ListedResident:
    """Return a row's values.

    Raises:
        ValueError: one is missing, or was changed by a spreadsheet.
    """
    cells = {column: spelling.line(row.cells.get(column, "")) for column in COLUMNS}
    if row.too_long or not all(cells.values()) or any(map(spreadsheet_damage.is_calculated, _numbers(cells))):
        raise ValueError
    day = _to_day(cells["day"])
    return ListedResident(row.line, cells["number"], cells["building"].lower(), cells["room"], day)


def _to_day(text: str) -> date:
    """Return a day as a spreadsheet writes it: `2026-09-01`, or `2026/9/1`.

    Raises:
        ValueError: it is none, or in another order.
    """
    year, month, day = text.replace("/", "-").split("-")
    if not (len(year) == 4 and text.isascii()):
        raise ValueError
    return date(int(year), int(month), int(day))


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
