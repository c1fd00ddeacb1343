"""A list of subsidies as somebody made it in a spreadsheet: whom each row means, how much, and what is wrong with it.

Nothing is paid here. What is wrong is said row by row, so that the list is mended before money moves.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger.tables import LedgerAccount
from accounts.ledger.transfer import AccountState
from accounts.people import spelling
from accounts.people_import.list_table import ListTableError, Table
from accounts.tables import Person

MOST_ROWS = 10_000
COLUMNS = {
    "number": ("number", "学号", "工号", "学号/工号", "学工号", "学（工）号", "编号"),
    "name": ("name", "姓名"),
    "amount": ("amount", "yuan", "金额", "金额（元）", "金额/元", "补贴金额"),
}
_HEADINGS = {key: frozenset(map(spelling.number, names)) for key, names in COLUMNS.items()}
"""In the one spelling in which a heading is compared, whichever brackets it was typed with."""


class RowFault(StrEnum):
    """What is wrong with a row."""

    NUMBER_MISSING = "number_missing"
    UNKNOWN = "unknown"
    NAME_DIFFERS = "name_differs"
    TWICE = "twice"
    OWN = "own"
    """Whoever pays the list stands in it."""
    ACCOUNT = "account"
    """The account takes no money: it is suspended or closed."""


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row as it was written."""

    line: int
    number: str
    name: str
    amount: str


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row with whom it means; `fen` None and `amount_fault` where the amount cannot be read."""

    row: ListedRow
    person: Person | None
    fen: int | None
    amount_fault: str | None
    fault: RowFault | None

    @property
    def is_good(self) -> bool:
        """Whether it can be paid."""
        return self.fault is None and self.fen is not None


def rows_of(table: Table) -> list[ListedRow]:
    """Return the rows of a table with a number, an amount and perhaps a name.

    Raises:
        ListTableError: a column is missing, or there are no rows, or too many.
    """
    found: dict[str, str] = {}
    for column in table.columns:
        plain = spelling.number(column).replace(" ", "")
        found |= {key: column for key, names in _HEADINGS.items() if plain in names and key not in found}
    missing = [key for key in ("number", "amount") if key not in found]
    if missing:
        raise ListTableError(f"the column `{missing[0]}` is missing")
    if not table.rows:
        raise ListTableError("the list has no rows")
    if len(table.rows) > MOST_ROWS:
        raise ListTableError(f"a list has at most {MOST_ROWS} rows: divide it")
    return [
        ListedRow(row.line, *(row.cells.get(found.get(key, ""), "").strip() for key in ("number", "name", "amount")))
        for row in table.rows
    ]


def check(
    session: Session, rows: Sequence[ListedRow], read_amount: Callable[[str], int], *, by: UUID
) -> list[CheckedRow]:
    """Say of each row whom it means and what is wrong with it; `read_amount` raises `ValueError` with the fault."""
    numbers = [spelling.number(row.number) for row in rows]
    known = people.by_numbers(session, numbers)
    often = Counter(number for number in numbers if number)
    shut = _shut(session, known.values())
    return [
        CheckedRow(
            row,
            known.get(number),
            *_read(row.amount, read_amount),
            _find_fault(row, known.get(number), shut, is_twice=often[number] > 1, by=by),
        )
        for row, number in zip(rows, numbers, strict=True)
    ]


def _read(amount: str, read_amount: Callable[[str], int]) -> tuple[int | None, str | None]:
    """Return an amount in fen, or what is wrong with it."""
    try:
        return read_amount(amount), None
    except ValueError as error:
        return None, str(error)


def _find_fault(
    row: ListedRow, person: Person | None, shut: frozenset[UUID], *, is_twice: bool, by: UUID
) -> RowFault | None:
    if person is None:
        return RowFault.UNKNOWN if row.number else RowFault.NUMBER_MISSING
    faults = (
        (RowFault.TWICE, is_twice),
        (RowFault.NAME_DIFFERS, bool(row.name) and not people.is_called(person, row.name)),
        (RowFault.OWN, person.id == by),
        (RowFault.ACCOUNT, person.id in shut),
    )
    return next((fault for fault, applies in faults if applies), None)


def _shut(session: Session, persons: Iterable[Person]) -> frozenset[UUID]:
    ids = sorted(one.id for one in persons)
    found: set[UUID] = set()
    for start in range(0, len(ids), 500):
        piece = ids[start : start + 500]
        query = select(LedgerAccount.id).where(
            LedgerAccount.id.in_(piece), LedgerAccount.state == AccountState.ACTIVE.value
        )
        found |= set(piece) - set(session.scalars(query))
    return frozenset(found)
