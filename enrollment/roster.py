"""The list of an intake: a folder or ZIP with one CSV file, and for each person a photo and perhaps a reference.

The CSV has a header. Its columns are those of every list of people (`accounts.people_list`), and `photo`, `reference`
(names of files) and `consent` (the version of the notice that the person signed). Without these columns, a person's
photo is the file named by their number, in any sub-folder, and the one in a folder `references` is their reference.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from zoneinfo import ZoneInfo

from accounts import people_list
from accounts.people_list import ListedPerson, Unreadable
from enrollment.photo import MAX_BYTES

OWN_COLUMNS = ("photo", "reference", "consent")
REFERENCES = "references"
"""Name of the folder whose pictures are references."""

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"})


class RosterError(Exception):
    """The list cannot be used as it is; the message says what to mend, with the line."""


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person of the list, with the names of their files within the folder or ZIP; None when there is none."""

    line: int
    number: str
    name: str
    listed: ListedPerson | Unreadable
    photo: str | None
    reference: str | None
    consent: str
    """The version of the notice that was signed; empty when the list does not say."""


class PhotoSource(Protocol):
    """Where the photos are. Safe to use from several threads."""

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
        """Return the beginning of a file, whole if it is not too large.

        Raises:
            OSError: there is no such file below the folder.
        """
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder.resolve()):
            raise FileNotFoundError(name)  # a list leads to no file outside its folder
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)


class ZipSource:
    """Files in an open ZIP archive; nothing is unpacked to disk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> list[str]:
        """Return the names of all files in the archive."""
        return sorted(entry.filename for entry in self._archive.infolist() if not entry.is_dir())

    def read(self, name: str) -> bytes:
        """Return the beginning of a file, whole if it is not too large.

        Raises:
            OSError, KeyError: there is no such file, or it is damaged or locked with a password.
        """
        try:
            with self._archive.open(name) as file:
                return file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise OSError(str(error)) from error


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


def read_roster(source: PhotoSource, zone: ZoneInfo) -> list[RosterRow]:
    """Read the list and find each person's photo; dates are those of the campus.

    Raises:
        RosterError: there is not exactly one CSV file, a column is missing or unknown, or a line is wrong or repeated.
    """
    names = source.names()
    lists = [name for name in names if name.lower().endswith(".csv")]
    if len(lists) != 1:
        raise RosterError(f"there must be exactly one CSV file with number and name, found {len(lists)}: {lists}")
    reader = csv.DictReader(io.StringIO(_text(source.read(lists[0]), lists[0]), newline=""))
    _check_columns(lists[0], [(column or "").strip().lower() for column in reader.fieldnames or ()])
    photos, references = _by_stem(names)
    rows: list[RosterRow] = []
    seen: dict[str, int] = {}
    for record in reader:
        cells = {(key or "").strip().lower(): value for key, value in record.items() if isinstance(value, str)}
        row = _row(cells, reader.line_num, photos, references, zone)
        if row.number in seen:
            raise RosterError(f"line {row.line}: number {row.number} stands on line {seen[row.number]} already")
        seen[row.number] = row.line
        rows.append(row)
    return rows


def _check_columns(name: str, columns: list[str]) -> None:
    known = (*people_list.COLUMNS, *OWN_COLUMNS)
    if missing := sorted({"number", "name"} - set(columns)):
        raise RosterError(f"{name}: the first line names no column {', '.join(missing)}")
    if unknown := sorted(set(columns) - set(known)):
        raise RosterError(f"{name}: unknown column {unknown[0]!r}; known are {', '.join(known)}")


def _row(
    cells: Mapping[str, str], line: int, photos: Mapping[str, str], references: Mapping[str, str], zone: ZoneInfo
) -> RosterRow:
    def cell(name: str) -> str:
        return cells.get(name, "").strip()

    def file(name: str, by_number: Mapping[str, str]) -> str | None:
        return cell(name).replace("\\", "/") or by_number.get(number.lower())

    number, name = cell("number"), cell("name")
    if not number or not name:
        raise RosterError(f"line {line}: number or name is empty")
    account = {key: value for key, value in cells.items() if key in people_list.COLUMNS}
    if "groups" in account:
        account["groups"] = account["groups"].replace("|", ";")
    return RosterRow(
        line,
        number,
        name,
        people_list.parse_cells(line, account, zone),
        file("photo", photos),
        file("reference", references),
        cell("consent"),
    )


def _by_stem(names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return photos and references by the lower-case stem of their names; of several the first one's."""
    photos: dict[str, str] = {}
    references: dict[str, str] = {}
    for path in map(PurePosixPath, names):
        if path.suffix.lower() in _SUFFIXES:
            found = references if path.parent.name.lower() == REFERENCES else photos
            found.setdefault(path.stem.lower(), str(path))
    return photos, references


def _text(content: bytes, name: str) -> str:
    """Decode a CSV as spreadsheets write it: UTF-8 with or without a mark, or GB 18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RosterError(f"{name} is neither UTF-8 nor GB 18030: save it as CSV UTF-8")
