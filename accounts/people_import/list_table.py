"""Tables as spreadsheets write them: text files of several encodings and separators, with lines that hold nothing.

Excel's "CSV UTF-8" and "Unicode text", the GB 18030 of Chinese Windows, commas, semicolons and tabs.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from accounts.people import spelling

_SEPARATORS = ",;\t"
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\r?\n?", re.IGNORECASE)


class ListTableError(Exception):
    """The file is no table; the message says what to mend."""

    def __init__(self, message: str, reason: str = "unreadable") -> None:
        """Take the message, and its code: `unreadable`, `encoding`, `no_rows`, `too_many_rows`, `too_large`."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """One line that holds something: its cells by column; `too_long` when there are more of them than columns."""

    line: int
    cells: Mapping[str, str]
    too_long: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns, in lower case, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(content: bytes) -> Table:
    """Read a table with a header; lines and columns without any text are left out.

    Raises:
        ListTableError: its text cannot be read.
    """
    return to_table(read_lines(content))


def read_lines(content: bytes) -> list[tuple[int, list[str]]]:
    """Return the lines of a text file that hold something, each with its number.

    Raises:
        ListTableError: its text cannot be read.
    """
    text = decoded(content)
    first = 1
    if named := _SEPARATOR_LINE.match(text):
        text, first = text[named.end() :], 2
    separator = named.group(1) if named else _separator(text)
    try:
        return list(_lines(text, separator, first))
    except csv.Error as error:
        raise ListTableError(f"it cannot be read as a table ({error}): save it again as `CSV UTF-8`") from error


def to_table(lines: Sequence[tuple[int, list[str]]]) -> Table:
    """Make a table of lines, the first of which holds the headings."""
    if not lines:
        return Table((), ())
    columns = _without_repeats([spelling.line(cell).lower() for cell in lines[0][1]])
    rows = tuple(_row(line, cells, columns) for line, cells in lines[1:])
    return Table(tuple(column for column in columns if column), rows)


def decoded(content: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 with or without their marks, or GB 18030.

    Raises:
        ListTableError: it is none of these.
    """
    encodings = ["utf-8-sig", "gb18030"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif content[:1] == b"\0":
        encodings = ["utf-16-be"]
    elif content[1:2] == b"\0":
        encodings = ["utf-16-le"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ListTableError("it is neither UTF-8 nor UTF-16 nor GB 18030: save it as `CSV UTF-8`", "encoding")


def _separator(text: str) -> str:
    """Return which separator the header has most of."""
    header = next((line for line in text.splitlines() if line.strip(" \t,;")), "")
    return max(_SEPARATORS, key=header.count)


def _lines(text: str, separator: str, first: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for cells in reader:
        if any(spelling.line(cell) for cell in cells):
            yield reader.line_num + first - 1, cells


def _without_repeats(columns: list[str]) -> list[str]:
    """Number a heading that stands there again, so that no column hides another."""
    seen = Counter[str]()
    told = []
    for column in columns:
        seen[column] += 1
        told.append(f"{column} ({seen[column]})" if column and seen[column] > 1 else column)
    return told


def _row(line: int, cells: list[str], columns: list[str]) -> Row:
    known = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
    nameless = [cell for cell, column in zip(cells, columns, strict=False) if not column]
    return Row(line, known, any(spelling.line(cell) for cell in [*nameless, *cells[len(columns) :]]))
