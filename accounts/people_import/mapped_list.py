"""A list of people whose columns are named anyhow, read by what each column was said to hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from accounts.people import spelling
from accounts.people_import import list_table, workbook
from accounts.people_import.cell_words import to_cell
from accounts.people_import.columns import find_header, guess_columns
from accounts.people_import.list_table import ListTableError, Table
from accounts.people_import.people_list import (
    COLUMNS,
    ListedPerson,
    RowReason,
    Unreadable,
    parse_cells,
    without_repeats,
)

MOST_ROWS = 20_000
FIXABLE = ("kind", "department", "groups", "valid_until")
"""What may be said once for every row of a list that has no column for it."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Which column holds which field (`{field: heading}`), and what holds for every row (`{field: text}`)."""

    columns: Mapping[str, str]
    fixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether there is a column of numbers, without which nobody is known."""
        return "number" in self.columns


def read_any_table(content: bytes) -> Table:
    """Read a workbook or a text file; lines above the headings are left out.

    Raises:
        ListTableError: it is neither, holds no rows, or too many.
    """
    lines = workbook.read_lines(content)
    lines = lines[find_header(lines) :]
    if len(lines) < 2:
        raise ListTableError("it holds no rows: headings in the first line, one person in each line below", "no_rows")
    if len(lines) > MOST_ROWS + 1:
        raise ListTableError(f"it holds more than {MOST_ROWS} rows: divide it", "too_many_rows")
    return list_table.to_table(lines)


def guess(table: Table) -> ColumnChoice:
    """Return what the headings tell."""
    return ColumnChoice(guess_columns(table.columns))


def read_rows(table: Table, choice: ColumnChoice, zone: ZoneInfo) -> list[ListedPerson | Unreadable]:
    """Return the rows as people; columns that were not chosen are not looked at."""
    return without_repeats(_rows(table, choice, zone))


def _rows(table: Table, choice: ColumnChoice, zone: ZoneInfo) -> Iterator[ListedPerson | Unreadable]:
    wanted = {name: choice.columns[name] for name in COLUMNS if name in choice.columns}
    for row in table.rows:
        cells = {name: to_cell(name, row.cells.get(heading, "")) for name, heading in wanted.items()}
        for name, text in choice.fixed.items():
            cells[name] = cells.get(name) or to_cell(name, text)
        if row.too_long:
            number = spelling.number(cells.get("number", ""))
            yield Unreadable(row.line, number, "more values than columns", RowReason.TOO_LONG)
        elif any(spelling.line(cell) for cell in cells.values()):
            yield parse_cells(row.line, cells, zone)
