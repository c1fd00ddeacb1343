"""Lists of people as the registry hands them over: a table with a header (`list_table`), or a JSON list.

Columns: number, name, kind, department, groups (separated by `;`), valid_from, valid_until (dates of the campus, the
last day included, or times with a zone), state, national_id (its last six characters become the first passwords and
are then forgotten). A column that is missing, or empty in a CSV, leaves what is stored as it is.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from accounts.people import Particulars, spelling
from accounts.people_import import spreadsheet_damage
from accounts.people_import.list_table import ListTableError, decoded, read_table
from accounts.tables import Person
from accounts.vocabulary import PersonKind, PersonState
from errors import OperatorError

COLUMNS = ("number", "name", "kind", "department", "groups", "valid_from", "valid_until", "state", "national_id")
CLEARED = "-"
"""Written in a CSV's `department`, `groups` or `valid_until` to empty it."""

ROUNDED = (
    f"national_id: ends in 000, as after a spreadsheet rounded it; {spreadsheet_damage.AS_TEXT}, or put an apostrophe "
    "before a number that really ends so"
)


class PeopleListError(OperatorError):
    """The list as a whole cannot be read; the message says what to mend."""


class RowReason(StrEnum):
    """Why a row is not used, for pages to say in the reader's language."""

    NUMBER_MISSING = "number_missing"
    NUMBER_CALCULATED = "number_calculated"
    NUMBER_REPEATED = "number_repeated"
    NUMBER_CUT = "number_cut"
    NAME_MISSING = "name_missing"
    KIND_MISSING = "kind_missing"
    KIND_UNKNOWN = "kind_unknown"
    STATE_UNKNOWN = "state_unknown"
    NOT_TEXT = "not_text"
    GROUPS_FORM = "groups_form"
    DATE_FORM = "date_form"
    TIME_WITHOUT_ZONE = "time_without_zone"
    NATIONAL_ID_ROUNDED = "national_id_rounded"
    NATIONAL_ID_CHECK = "national_id_check"
    NATIONAL_ID_END = "national_id_end"
    TOO_LONG = "too_long"
    UNKNOWN_FIELD = "unknown_field"
    INVALID = "invalid"
    INVALID_NUMBER = "invalid_number"
    INVALID_NAME = "invalid_name"
    INVALID_DEPARTMENT = "invalid_department"
    INVALID_GROUPS = "invalid_groups"
    INVALID_DATES = "invalid_dates"
    OWN_ACCOUNT = "own_account"
    ACCOUNT_CLOSED = "account_closed"


class RowError(ValueError):
    """One row describes no person."""

    def __init__(self, reason: RowReason, message: str) -> None:
        """Take the reason, and what the message says to mend."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """One row: what it says, as far as it says it."""

    line: int
    number: str
    given: Mapping[str, Any]
    state: PersonState | None = None
    national_id: str | None = field(default=None, repr=False)

    def particulars(self, person: Person | None, now: datetime) -> Particulars:
        """Return the particulars of the row, completed by what is stored of `person`.

        Raises:
            RowError: a new person lacks name or kind.
            accounts.people.InvalidPersonError: the row describes no person.
        """
        stored: dict[str, Any] = {"valid_from": now}
        if person is not None:
            names = ("name", "kind", "department", "groups", "valid_from", "valid_until")
            stored = {name: getattr(person, name) for name in names}
        merged = stored | dict(self.given)
        if missing := [name for name in ("name", "kind") if name not in merged]:
            reason = RowReason.NAME_MISSING if missing[0] == "name" else RowReason.KIND_MISSING
            raise RowError(reason, f"{missing[0]}: a new person needs one")
        return Particulars(number=self.number, **merged)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that cannot be used, and why."""

    line: int
    number: str
    why: str
    reason: RowReason


def read(path: Path, zone: ZoneInfo) -> list[ListedPerson | Unreadable]:
    """Read a list from a `.csv` or `.json` file.

    Raises:
        PeopleListError: the file cannot be read, or is no such list.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PeopleListError(f"{path}: {error.strerror or error}") from error
    try:
        if path.suffix.lower() == ".json":
            return without_repeats(_json_rows(path, decoded(content), zone))
        if path.suffix.lower() in {".csv", ".txt", ".tsv"}:
            return without_repeats(_csv_rows(path, content, zone))
    except ListTableError as error:
        raise PeopleListError(f"{path}: {error}") from error
    raise PeopleListError(f"{path}: a list of people is a .csv, .txt or .json file")


def parse(line: int, raw: Mapping[str, Any], zone: ZoneInfo) -> ListedPerson | Unreadable:
    """Make a row of `raw` values (texts, or JSON values)."""
    number = spelling.number(str(raw.get("number") or ""))
    try:
        if not number:
            raise RowError(RowReason.NUMBER_MISSING, "number: missing")
        if spreadsheet_damage.is_calculated(number):
            raise RowError(RowReason.NUMBER_CALCULATED, f"number: was calculated with; {spreadsheet_damage.AS_TEXT}")
        given: dict[str, Any] = {}
        for name, value in raw.items():
            if name in _FIELDS:
                given[name] = _FIELDS[name](value, zone)
        state = _word(PersonState, "state", raw["state"], RowReason.STATE_UNKNOWN) if raw.get("state") else None
        national_id = _national_id(str(raw["national_id"])) if raw.get("national_id") else None
        return ListedPerson(line, number, given, state, national_id)
    except RowError as error:
        return Unreadable(line, number, str(error), error.reason)


def parse_cells(line: int, cells: Mapping[str, str | None], zone: ZoneInfo) -> ListedPerson | Unreadable:
    """Make a row of a CSV's cells: an empty one says nothing, a dash empties the field."""
    values = {name: kept for name, value in cells.items() if value and (kept := spelling.line(value))}
    for name in ("department", "groups", "valid_until"):
        if values.get(name) == CLEARED:
            values[name] = ""
    return parse(line, values, zone)


def _csv_rows(path: Path, content: bytes, zone: ZoneInfo) -> Iterable[ListedPerson | Unreadable]:
    table = read_table(content)
    _require_columns(path, table.columns)
    for row in table.rows:
        if row.too_long:
            number = spelling.number(row.cells.get("number", ""))
            yield Unreadable(row.line, number, "more values than columns", RowReason.TOO_LONG)
        else:
            yield parse_cells(row.line, row.cells, zone)


def _json_rows(path: Path, text: str, zone: ZoneInfo) -> Iterable[ListedPerson | Unreadable]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PeopleListError(f"{path}: not JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise PeopleListError(f"{path}: must hold a JSON list of objects")
    for position, raw in enumerate(found, 1):
        if unknown := sorted(set(raw) - set(COLUMNS)):
            number = str(raw.get("number") or "")
            yield Unreadable(position, number, f"unknown field {unknown[0]!r}", RowReason.UNKNOWN_FIELD)
        else:
            yield parse(position, raw, zone)


def _require_columns(path: Path, names: Iterable[str]) -> None:
    names = list(names)
    if "number" not in names:
        raise PeopleListError(f"{path}: the first line must name the columns, with `number` among them")
    if unknown := sorted(set(names) - set(COLUMNS)):
        raise PeopleListError(f"{path}: unknown column {unknown[0]!r}; known are {', '.join(COLUMNS)}")


def without_repeats(rows: Iterable[ListedPerson | Unreadable]) -> list[ListedPerson | Unreadable]:
    """Refuse rows whose number came before."""
    first: dict[str, int] = {}
    kept: list[ListedPerson | Unreadable] = []
    for row in rows:
        if isinstance(row, ListedPerson) and row.number in first:
            why = f"number: stands in line {first[row.number]} already"
            kept.append(Unreadable(row.line, row.number, why, RowReason.NUMBER_REPEATED))
        else:
            first.setdefault(row.number, row.line)
            kept.append(row)
    return kept


def _national_id(text: str) -> str:
    """Return an identity number as far as it can be one; messages never repeat it."""
    marked = text.strip()
    looked_at = marked.startswith(spreadsheet_damage.MARKED_AS_TEXT)
    found = spelling.number(marked.removeprefix(spreadsheet_damage.MARKED_AS_TEXT)).upper()
    if spreadsheet_damage.is_calculated(found) or (spreadsheet_damage.may_be_rounded(found) and not looked_at):
        raise RowError(RowReason.NATIONAL_ID_ROUNDED, ROUNDED)
    if spreadsheet_damage.has_wrong_check(found):
        raise RowError(
            RowReason.NATIONAL_ID_CHECK,
            "national_id: its last character does not fit the others; compare it with the document",
        )
    return found


def _text(value: Any, _zone: ZoneInfo) -> str:
    if not isinstance(value, str):
        raise RowError(RowReason.NOT_TEXT, "name and department are texts")
    return spelling.line(value)


def _name(value: Any, zone: ZoneInfo) -> str:
    return spelling.name(_text(value, zone))


def _kind(value: Any, _zone: ZoneInfo) -> PersonKind:
    kind: PersonKind = _word(PersonKind, "kind", value, RowReason.KIND_UNKNOWN)
    return kind


def _groups(value: Any, _zone: ZoneInfo) -> frozenset[str]:
    if isinstance(value, str):
        value = re.split("[;；]", value)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise RowError(RowReason.GROUPS_FORM, "groups: names separated by ; or a list of names")
    return frozenset(one.strip() for one in value if one.strip())


def _beginning(value: Any, zone: ZoneInfo) -> datetime:
    return _moment("valid_from", value, zone, timedelta(0))


def _end(value: Any, zone: ZoneInfo) -> datetime | None:
    # The last day is a day on which the account still works.
    return None if value in {"", None} else _moment("valid_until", value, zone, timedelta(days=1))


def _moment(name: str, value: Any, zone: ZoneInfo, day_shift: timedelta) -> datetime:
    try:
        if len(str(value)) == len("2026-09-01"):
            return datetime.combine(date.fromisoformat(str(value)) + day_shift, time(), zone)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError) as error:
        message = f"{name}: a date such as 2026-09-01, or a time with its zone"
        raise RowError(RowReason.DATE_FORM, message) from error
    if moment.tzinfo is None:
        message = f"{name}: a time needs its zone, such as 2026-09-01T08:00+08:00"
        raise RowError(RowReason.TIME_WITHOUT_ZONE, message)
    return moment


def _word(words: Any, name: str, value: Any, reason: RowReason) -> Any:
    try:
        return words(value)
    except ValueError as error:
        raise RowError(reason, f"{name}: one of {', '.join(words)}") from error


_FIELDS = {
    "name": _name,
    "kind": _kind,
    "department": _text,
    "groups": _groups,
    "valid_from": _beginning,
    "valid_until": _end,
}
