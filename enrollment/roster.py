"""The list of an intake: a folder or ZIP with one CSV file and one photo for each person.

The CSV has a header. `number` and `name` are needed; `groups` (separated by `;`), `department`, `kind` and `photo`
are understood. Without a `photo` column, a person's photo is the file named by their number, in any sub-folder.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from enrollment.photo import MAX_BYTES

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"})


class RosterError(Exception):
    """The list cannot be used as it is; the message says what to mend, with the line."""


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person of the list."""

    line: int
    number: str
    name: str
    groups: frozenset[str]
    department: str
    kind: str
    photo: str | None
    """Name of the photo within the folder or ZIP; None when there is none for this person."""


class PhotoSource(Protocol):
    """Where the photos are."""

    def names(self) -> list[str]:
        """Return the names of all files, with `/` between folders."""

    def read(self, name: str) -> bytes:
        """Return a file; of one larger than `MAX_BYTES` only so much that it is recognised as too large."""


class FolderSource:
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of all files below the folder."""
        return sorted(path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        """Return the beginning of a file, whole if it is not too large."""
        with (self._folder / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)


class ZipSource:
    """Files in an open ZIP archive; nothing is unpacked to disk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> list[str]:
        """Return the names of all files in the archive."""
        return sorted(entry.filename for entry in self._archive.infolist() if not entry.is_dir())

    def read(self, name: str) -> bytes:
        """Return the beginning of a file, whole if it is not too large."""
        with self._archive.open(name) as file:
            return file.read(MAX_BYTES + 1)


@contextmanager
def open_source(path: Path) -> Iterator[PhotoSource]:
    """Open a folder or a ZIP file.

    Raises:
        RosterError: it is neither.
    """
    if path.is_dir():
        yield FolderSource(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield ZipSource(archive)
    else:
        raise RosterError(f"{path} is neither a folder nor a ZIP file: give the one that holds CSV and photos")


def read_roster(source: PhotoSource) -> list[RosterRow]:
    """Read the list and find each person's photo.

    Raises:
        RosterError: there is not exactly one CSV file, a column is missing, or a line is wrong or repeated.
    """
    names = source.names()
    lists = [name for name in names if name.lower().endswith(".csv")]
    if len(lists) != 1:
        raise RosterError(f"there must be exactly one CSV file with number and name, found {len(lists)}: {lists}")
    reader = csv.DictReader(io.StringIO(_text(source.read(lists[0]), lists[0]), newline=""))
    columns = {(column or "").strip().lower() for column in reader.fieldnames or ()}
    if missing := {"number", "name"} - columns:
        raise RosterError(f"{lists[0]}: the first line names no column {', '.join(sorted(missing))}")
    by_number = _photos_by_stem(names)
    rows: list[RosterRow] = []
    seen: dict[str, int] = {}
    for record in reader:
        row = _row({(key or "").strip().lower(): value for key, value in record.items()}, reader.line_num, by_number)
        if row.number in seen:
            raise RosterError(f"line {row.line}: number {row.number} stands on line {seen[row.number]} already")
        seen[row.number] = row.line
        rows.append(row)
    return rows


def _row(record: Mapping[str, object], line: int, by_number: Mapping[str, str]) -> RosterRow:
    def field(name: str) -> str:
        value = record.get(name)
        return value.strip() if isinstance(value, str) else ""

    number, name = field("number"), field("name")
    if not number or not name:
        raise RosterError(f"line {line}: number or name is empty")
    groups = frozenset(group.strip() for group in field("groups").replace("|", ";").split(";") if group.strip())
    photo = field("photo").replace("\\", "/") or by_number.get(number.lower())
    return RosterRow(line, number, name, groups, field("department"), field("kind") or "student", photo)


def _photos_by_stem(names: list[str]) -> dict[str, str]:
    paths = [PurePosixPath(name) for name in names]
    return {path.stem.lower(): str(path) for path in reversed(paths) if path.suffix.lower() in _SUFFIXES}


def _text(content: bytes, name: str) -> str:
    """Decode a CSV as spreadsheets write it: UTF-8 with or without a mark, or GB 18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RosterError(f"{name} is neither UTF-8 nor GB 18030: save it as CSV UTF-8")
