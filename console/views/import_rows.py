"""Rows of an import in the reader's words: what changes from what to what, and why a row is not used."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.people_import.importer import RowResult
from accounts.people_import.records import plain
from accounts.people_import.tables import PeopleImportRow
from console.formats import Formats
from console.texts import Translate

_WORDS = {"kind": "person_kind", "state": "person_state"}


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row as the page shows it."""

    line: int
    number: str
    outcome: str
    changes: tuple[tuple[str, str, str], ...]
    """Field, what is stored, what is wanted, in words."""
    first_passwords: bool
    reason: str
    name: str = ""
    undo: str = ""
    person_id: UUID | None = None

    @property
    def changed(self) -> str:
        """All changes in one line."""
        return "; ".join(f"{field}: {old} → {new}" for field, old, new in self.changes)


def show_preview_row(result: RowResult, translate: Translate, formats: Formats) -> ShownRow:
    """Show what would become of a row."""
    return ShownRow(
        line=result.line,
        number=result.number,
        outcome=result.outcome.value,
        changes=_changes(
            {name: (plain(old), plain(new)) for name, (old, new) in result.differences.items()}, translate, formats
        ),
        first_passwords=result.first_passwords,
        reason=translate(f"import_reason.{result.code}") if result.code else "",
        name=result.name,
    )


def show_stored_row(row: PeopleImportRow, translate: Translate, formats: Formats, name: str = "") -> ShownRow:
    """Show what became of a row; `name` is that of its person today."""
    return ShownRow(
        line=row.line,
        number=row.number,
        outcome=row.outcome,
        changes=_changes(row.differences, translate, formats),
        first_passwords=row.first_passwords,
        reason=translate(f"import_reason.{row.code}") if row.code else "",
        name=name,
        undo=translate(f"row_undo.{row.undo}") if row.undo else "",
        person_id=row.person_id if row.undo != "removed" else None,
    )


def _changes(differences: dict[str, Any], translate: Translate, formats: Formats) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (translate(f"field.{name}"), _show(name, old, translate, formats), _show(name, new, translate, formats))
        for name, (old, new) in differences.items()
    )


def _show(name: str, value: Any, translate: Translate, formats: Formats) -> str:
    if value in (None, "", []):
        return translate("office.nothing")
    if name == "valid_until":
        return formats.last_day(datetime.fromisoformat(value))
    if name == "valid_from":
        return formats.day(datetime.fromisoformat(value))
    if name in _WORDS:
        return translate(f"{_WORDS[name]}.{value}")
    return "; ".join(value) if isinstance(value, list) else str(value)
