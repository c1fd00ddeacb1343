"""Taking an import back within a day: what it changed is restored, whom it made and nobody used since is removed.

What was changed again since stays as it is, and is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import passwords, people
from accounts.people import removal
from accounts.people.particulars import Particulars
from accounts.people_import import records
from accounts.people_import.importer import ROWS_IN_ONE_TRANSACTION, RowOutcome
from accounts.people_import.tables import ImportState, PeopleImport, PeopleImportRow, RowUndo
from accounts.tables import Person, PersonChange
from accounts.vocabulary import PersonKind, PersonState
from database import Database
from database.patience import write_patiently
from web.problems import ProblemError


class ImportUndoneError(ProblemError):
    """It was taken back already."""

    code = "import_undone"
    status = 409
    title = "This import was undone already"


class ImportTooOldError(ProblemError):
    """It ended more than a day ago: others have worked with what it wrote since."""

    code = "import_too_old_to_undo"
    status = 409
    title = "An import can be undone within a day of its end, and this one is older; correct it by another import"


def undoable_until(found: PeopleImport) -> datetime:
    """Return until when an import may be taken back."""
    return (found.finished_at or found.started_at) + records.UNDO_WITHIN


def find_obstacle(found: PeopleImport, now: datetime) -> type[ProblemError] | None:
    """Return why an import on which nothing works may not be taken back; one that was cut off may, or its undoing."""
    if found.state == ImportState.UNDONE:
        return ImportUndoneError
    return None if now < undoable_until(found) else ImportTooOldError


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes one import back."""

    database: Database
    import_id: UUID
    by: str
    acting: UUID

    def begin(self, now: datetime) -> int:
        """Note that the import is being taken back, and return how many rows that concerns.

        Raises:
            NotFoundError, ImportUndoneError, ImportTooOldError: see there.
        """
        with self.database.begin() as session:
            found = records.get(session, self.import_id, lock=True)
            if (obstacle := find_obstacle(found, now)) is not None:
                raise obstacle
            found.state, found.undone_by = ImportState.UNDOING, self.by
            return found.created + found.updated

    def run(self, now: datetime, progress: Callable[[int], None] = lambda _done: None) -> None:
        """Take the rows back, a few in a transaction."""
        done = 0
        while taken := write_patiently(self.database, lambda session: self._take_some_back(session, now)):
            done += taken
            progress(done)

    def _take_some_back(self, session: Session, now: datetime) -> int:
        rows = self._next(session)
        self._take_back(session, rows, now)
        if not rows:
            found = records.get(session, self.import_id, lock=True)
            found.state, found.undone_at = ImportState.UNDONE, now
        return len(rows)

    def _next(self, session: Session) -> Sequence[PeopleImportRow]:
        query = (
            select(PeopleImportRow)
            .where(
                PeopleImportRow.import_id == self.import_id,
                PeopleImportRow.outcome.in_([RowOutcome.CREATED.value, RowOutcome.UPDATED.value]),
                PeopleImportRow.undo.is_(None),
            )
            .order_by(PeopleImportRow.line)
        )
        return session.scalars(query.limit(ROWS_IN_ONE_TRANSACTION)).all()

    def _take_back(self, session: Session, rows: Sequence[PeopleImportRow], now: datetime) -> None:
        ids = [row.person_id for row in rows if row.person_id is not None]
        found = {one.id: one for one in session.scalars(select(Person).where(Person.id.in_(ids)).with_for_update())}
        made = [row.person_id for row in rows if row.outcome == RowOutcome.CREATED and row.person_id is not None]
        known = _Known(
            records.get(session, self.import_id).started_at,
            _touched_since(session, rows),
            removal.find_used(session, made),
        )
        unused = []
        for row in rows:
            person = found.get(row.person_id) if row.person_id is not None else None
            row.undo = self._undo(session, row, person, known, now).value
            if person is not None and row.undo == RowUndo.REMOVED:
                unused.append(person)
        removal.remove(session, unused, by=self.by, now=now)

    def _undo(
        self, session: Session, row: PeopleImportRow, person: Person | None, known: "_Known", now: datetime
    ) -> RowUndo:
        if person is None:
            return RowUndo.REMOVED
        if person.id == self.acting:
            return RowUndo.OWN_ACCOUNT
        if row.outcome == RowOutcome.CREATED:
            return known.may_remove(person)
        return self._restore(session, row, person, known, now)

    def _restore(
        self, session: Session, row: PeopleImportRow, person: Person, known: "_Known", now: datetime
    ) -> RowUndo:
        """Give a person back what the row replaced, if that is still what the row put there."""
        particulars = {one.name: getattr(person, one.name) for one in fields(Particulars)}
        state = person.state
        for name, (stored, wanted) in row.differences.items():
            value = state if name == "state" else particulars[name]
            if records.plain(value) != wanted:
                return RowUndo.CHANGED_SINCE
            if name != "state":
                particulars[name] = _value(name, stored)
        if "state" in row.differences and state is PersonState.CLOSED:
            return RowUndo.CLOSED
        people.update(session, person, Particulars(**particulars), by=self.by, now=now)
        if "state" in row.differences:
            people.set_state(session, person, PersonState(row.differences["state"][0]), by=self.by, now=now)
        if row.first_passwords:
            passwords.withdraw_first(session, person.id, set_at=known.started_at, by=self.by, now=now)
        return RowUndo.RESTORED


@dataclass(frozen=True, slots=True)
class _Known:
    """What the undoing of some rows must heed."""

    started_at: datetime
    touched: set[UUID]
    """Of whom something changed after the import had written them."""
    used: set[UUID]
    """Of whom another room speaks."""

    def may_remove(self, person: Person) -> RowUndo:
        """Say what becomes of a person whom the import made."""
        if person.id in self.touched:
            return RowUndo.CHANGED_SINCE
        return RowUndo.IN_USE if person.id in self.used else RowUndo.REMOVED


def _touched_since(session: Session, rows: Sequence[PeopleImportRow]) -> set[UUID]:
    """Return the people of whom something changed after the import had written them."""
    until = {row.person_id: row.changes_until for row in rows if row.person_id is not None}
    if not until:
        return set()
    later = select(PersonChange.person_id, PersonChange.seq).where(
        PersonChange.person_id.in_(until), PersonChange.seq > min(until.values())
    )
    return {person_id for person_id, seq in session.execute(later) if seq > until[person_id]}


def _value(name: str, stored: Any) -> Any:
    match name:
        case "groups":
            return frozenset(stored)
        case "kind":
            return PersonKind(stored)
        case "valid_from" | "valid_until":
            return None if stored is None else datetime.fromisoformat(stored)
        case _:
            return stored
