"""The first sheet of an Excel workbook as the same table that a text file is read to."""

import io
import zipfile
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook

from accounts.people import spelling
from accounts.people_import.list_table import ListTableError, Row, Table, read_table

_ZIP = b"PK\x03\x04"
_MOST_BYTES = 64 * 1024 * 1024
"""Of what is packed: a list of 10,000 people unpacks to about 5 MB."""
_MOST_COLUMNS = 100


def read_list(content: bytes) -> Table:
    """Read a table from a workbook (`.xlsx`) or from text, whichever it is.

    Raises:
        ListTableError: it is neither.
    """
    return read_workbook(content) if content.startswith(_ZIP) else read_table(content)


def read_workbook(content: bytes) -> Table:
    """Read the first sheet, whose first line with text is the header; formulas count as what they were worth.

    Raises:
        ListTableError: it is no workbook, or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > _MOST_BYTES:
                raise ListTableError("the workbook is too large: keep the one sheet with the list")
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = workbook.worksheets[0]
        lines = [
            (number, [_text(cell) for cell in cells[:_MOST_COLUMNS]])
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1)
        ]
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError) as error:
        raise ListTableError("it cannot be read as a workbook: save it again as .xlsx or as `CSV UTF-8`") from error
    filled = [(number, cells) for number, cells in lines if any(cells)]
    if not filled:
        return Table((), ())
    columns = [cell.lower() for cell in filled[0][1]]
    rows = tuple(
        Row(
            number,
            {column: cell for column, cell in zip(columns, cells, strict=False) if column},
            any(cell for cell, column in zip(cells, columns, strict=False) if not column),
        )
        for number, cells in filled[1:]
    )
    return Table(tuple(column for column in columns if column), rows)


def _text(cell: Any) -> str:
    """Return a cell as text: numbers with the fifteen digits that spreadsheets keep, days as `2026-11-27`."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, datetime | date):
        return cell.strftime("%Y-%m-%d")
    return spelling.line(str(cell))
