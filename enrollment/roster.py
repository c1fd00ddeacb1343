"""The list of an intake: a folder or ZIP with one CSV file, and for each person a photo and perhaps a reference.

The CSV has a header. Its columns are those of every list of people (`accounts.people_import`), and `photo`, `reference`
(names of files) and `consent` (the version of the notice that the person signed). Without these columns, a person's
photo is the file named by their number, in any sub-folder, and the one in a folder `references` is their reference.
"""

import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from zoneinfo import ZoneInfo

from accounts.people import spelling
from accounts.people_import import people_list
from accounts.people_import.list_table import ListTableError, Row, read_table
from accounts.people_import.people_list import ListedPerson, Unreadable
from enrollment.photo import MAX_BYTES
from errors import OperatorError

OWN_COLUMNS = ("photo", "reference", "consent")
REFERENCES = "references"
"""Name of the folder whose pictures are references."""

_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif"})
_LEFTOVERS = ("._", "~$", ".")
"""How names begin of what computers put beside a person's files: macOS's second halves, open documents, hidden ones."""
_MAC_FOLDER, _WINDOWS_FILES = "__MACOSX", frozenset({"thumbs.db", "desktop.ini"})
_IS_UTF8 = 0x800
"""The flag of a ZIP's entry whose name is UTF-8."""


class RosterError(OperatorError):
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
        files = (path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())
        return sorted(name for name in files if not _is_leftover(name))

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
        entries = ((_decode_name(entry), entry) for entry in archive.infolist() if not entry.is_dir())
        self._entries = {name: entry for name, entry in entries if not _is_leftover(name)}

    def names(self) -> list[str]:
        """Return the names of all files in the archive."""
        return sorted(self._entries)

    def read(self, name: str) -> bytes:
        """Return the beginning of a file, whole if it is not too large.

        Raises:
            OSError, KeyError: there is no such file, or it is damaged or locked with a password.
        """
        try:
            with self._archive.open(self._entries[name]) as file:
                return file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise OSError(str(error)) from error


def _decode_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry as its writer meant it.

    Windows in China writes GB 18030 and macOS UTF-8, neither with the flag that would say so; without it a name is read
    as code page 437, which has a character for every byte.
    """
    name = entry.filename
    if not entry.flag_bits & _IS_UTF8:
        written = name.encode("cp437")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = written.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")


def _is_leftover(name: str) -> bool:
    *folders, file = name.split("/")
    return _MAC_FOLDER in folders or file.startswith(_LEFTOVERS) or file.lower() in _WINDOWS_FILES


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
    try:
        table = read_table(source.read(lists[0]))
    except ListTableError as error:
        raise RosterError(f"{lists[0]}: {error}") from error
    _check_columns(lists[0], table.columns)
    files = _Files.of(names, str(PurePosixPath(lists[0]).parent))
    rows = [_parse_row(row, files, zone) for row in table.rows]
    seen: dict[str, int] = {}
    for row in rows:
        if row.number in seen:
            raise RosterError(f"line {row.line}: number {row.number} stands on line {seen[row.number]} already")
        seen[row.number] = row.line
    return rows


def _check_columns(name: str, columns: Sequence[str]) -> None:
    known = (*people_list.COLUMNS, *OWN_COLUMNS)
    if missing := sorted({"number", "name"} - set(columns)):
        raise RosterError(f"{name}: the first line names no column {', '.join(missing)}")
    if unknown := sorted(set(columns) - set(known)):
        raise RosterError(f"{name}: unknown column {unknown[0]!r}; known are {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of an intake, by the names that lists give them."""

    names: Mapping[str, str]
    photos: Mapping[str, str]
    references: Mapping[str, str]
    beside: str
    """The folder of the list."""

    @classmethod
    def of(cls, names: Iterable[str], beside: str) -> "_Files":
        """Sort `names`; of several pictures with one person's number the first counts."""
        names = list(names)
        photos: dict[str, str] = {}
        references: dict[str, str] = {}
        for path in map(PurePosixPath, names):
            if path.suffix.lower() in _SUFFIXES:
                found = references if path.parent.name.lower() == REFERENCES else photos
                found.setdefault(spelling.number(path.stem).lower(), str(path))
        return cls({_compose_accents(name): name for name in names}, photos, references, beside)

    def named(self, name: str) -> str:
        """Return the file that a list calls `name`, from the top or from beside the list; `name` if there is none."""
        wanted = _compose_accents(name.replace("\\", "/"))
        below = str(PurePosixPath(self.beside) / wanted)
        return self.names.get(wanted) or self.names.get(below) or wanted


def _compose_accents(name: str) -> str:
    # macOS writes accents beside their letters.
    return unicodedata.normalize("NFC", name)


def _parse_row(row: Row, files: _Files, zone: ZoneInfo) -> RosterRow:
    def cell(name: str) -> str:
        return spelling.line(row.cells.get(name, ""))

    def file(name: str, by_number: Mapping[str, str]) -> str | None:
        return files.named(cell(name)) if cell(name) else by_number.get(number.lower())

    number, name = spelling.number(cell("number")), spelling.name(cell("name"))
    if not number or not name:
        raise RosterError(f"line {row.line}: number or name is empty")
    account = {key: value for key, value in row.cells.items() if key in people_list.COLUMNS}
    if "groups" in account:
        account["groups"] = account["groups"].replace("|", ";")
    return RosterRow(
        row.line,
        number,
        name,
        people_list.parse_cells(row.line, account, zone),
        file("photo", files.photos),
        file("reference", files.references),
        cell("consent"),
    )
