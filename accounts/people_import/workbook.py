"""The first sheet of an Excel workbook (`.xlsx`) as the same table that a text file is read to.

Every cell is the text that a person would read there. Numbers of which Excel no longer has all digits come as it writes
them, 1.10101E+17, so that whoever reads the list finds them damaged.
"""

import io
import re
import zipfile
import zlib
from datetime import date, datetime, time
from typing import Any

import openpyxl
from openpyxl.cell import Cell

from accounts.people import spelling
from accounts.people_import import list_table
from accounts.people_import.list_table import ListTableError, Table, to_table

_ZIP = b"PK\x03\x04"
_MOST_BYTES = 64 * 1024 * 1024
"""Of what is packed: a list of 10,000 people unpacks to about 5 MB."""
_MOST_COLUMNS = 100
_EXACT_BELOW = 10**15
"""Excel keeps fifteen digits."""
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError,
    # Of the XML within, which is a syntax error; of its values; of what a packed file may ask for, a password too.
    SyntaxError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError,
)  # fmt: skip
"""What reading a workbook raises that is damaged, or none."""
_ZEROS = re.compile(r"0+")


def read_list(content: bytes) -> Table:
    """Read a table from a workbook (`.xlsx`) or from text, whichever it is.

    Raises:
        ListTableError: it is neither.
    """
    return to_table(read_lines(content))


def read_lines(content: bytes) -> list[tuple[int, list[str]]]:
    """Return the lines of a workbook's first sheet, or of a text, that hold something, each with its number from 1.

    Raises:
        ListTableError: it is neither.
    """
    return _read_sheet(content) if content.startswith(_ZIP) else list_table.read_lines(content)


def _read_sheet(content: bytes) -> list[tuple[int, list[str]]]:
    """Read the first sheet; formulas count as what they were worth."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > _MOST_BYTES:
                raise ListTableError("the workbook is too large: keep the one sheet with the list", "too_large")
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            rows = enumerate(workbook.worksheets[0].iter_rows(), 1)
            lines = [(number, [_text(cell) for cell in row[:_MOST_COLUMNS]]) for number, row in rows]
        finally:
            workbook.close()
    except _DAMAGED as error:
        raise ListTableError("it cannot be read as a workbook: save it again as .xlsx or as `CSV UTF-8`") from error
    return [(number, cells) for number, cells in lines if any(cells)]


def _text(cell: Cell) -> str:
    """Return a cell as text; days as `2026-11-27`."""
    value: Any = cell.value
    match value:
        case None:
            return ""
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat()
        case date():
            return value.isoformat()
        case bool():
            return str(value)
        case int() | float():
            return _digits(value, cell.number_format or "")
        case _:
            return spelling.line(str(value))


def _digits(value: float, number_format: str) -> str:
    """Return a number with the zeros in front that its format shows; past fifteen digits as Excel writes it."""
    if value != int(value):
        return f"{value:.15g}"
    if abs(value) >= _EXACT_BELOW:
        return f"{value:.5E}"
    shown = str(int(value))
    return shown.zfill(len(number_format)) if _ZEROS.fullmatch(number_format) else shown
