"""What is kept of imports: the list of them, and for some days each row with what it changed."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from accounts.people import changes
from accounts.people_import.importer import WrittenRow
from accounts.people_import.tables import ImportState, PeopleImport, PeopleImportRow
from web.problems import NotFoundError

UNDO_WITHIN = timedelta(days=1)
ROWS_KEPT = timedelta(days=7)
"""For the report; the import itself and its totals stay."""


def begin(session: Session, file_name: str, total: int, *, by: str, now: datetime) -> PeopleImport:
    """Note that an import begins."""
    made = PeopleImport(
        started_at=now, started_by=by, file_name=file_name[:100], total=total, state=ImportState.RUNNING
    )
    session.add(made)
    session.flush()
    return made


def note(session: Session, import_id: UUID, rows: Sequence[WrittenRow]) -> None:
    """Note what became of rows, in the transaction that wrote them."""
    if not rows:
        return
    until = changes.latest(session)
    session.execute(insert(PeopleImportRow), [_row(import_id, one, until) for one in rows])
    counted = Counter(one.result.outcome.value for one in rows)
    table = PeopleImport.__table__.c
    added = {name: table[name] + number for name, number in counted.items()}
    session.execute(update(PeopleImport).where(PeopleImport.id == import_id).values(added))


def finish(session: Session, import_id: UUID, state: ImportState, *, now: datetime) -> None:
    """Note that an import has ended."""
    found = get(session, import_id, lock=True)
    found.state, found.finished_at = state, now


def get(session: Session, import_id: UUID, *, lock: bool = False) -> PeopleImport:
    """Return an import, locked against other writers if `lock`.

    Raises:
        NotFoundError: there is none.
    """
    found = session.get(PeopleImport, import_id, with_for_update=True if lock else None)
    if found is None:
        raise NotFoundError("there is no import with this id")
    return found


def find(session: Session, *, before: tuple[datetime, UUID] | None = None, limit: int = 20) -> Sequence[PeopleImport]:
    """Return imports, newest first, from before the one that started and is called so."""
    query = select(PeopleImport).order_by(PeopleImport.started_at.desc(), PeopleImport.id.desc()).limit(limit)
    if before is not None:
        at, last = before
        earlier = (PeopleImport.started_at < at) | ((PeopleImport.started_at == at) & (PeopleImport.id < last))
        query = query.where(earlier)
    return session.scalars(query).all()


def find_rows(
    session: Session, import_id: UUID, *, outcome: str | None = None, after: int = 0, limit: int = 100
) -> Sequence[PeopleImportRow]:
    """Return an import's rows in the order of the list, from after the line `after`."""
    query = select(PeopleImportRow).where(PeopleImportRow.import_id == import_id, PeopleImportRow.line > after)
    if outcome is not None:
        query = query.where(PeopleImportRow.outcome == outcome)
    return session.scalars(query.order_by(PeopleImportRow.line).limit(limit)).all()


def count_undone(session: Session, import_id: UUID) -> dict[str, int]:
    """Return how many rows came to which end when the import was taken back."""
    query = (
        select(PeopleImportRow.undo, func.count())
        .where(PeopleImportRow.import_id == import_id, PeopleImportRow.undo.is_not(None))
        .group_by(PeopleImportRow.undo)
    )
    return {str(undo): number for undo, number in session.execute(query)}


def forget(session: Session, now: datetime) -> None:
    """Delete the rows of imports that nobody takes back any more."""
    old = select(PeopleImport.id).where(PeopleImport.started_at < now - ROWS_KEPT)
    session.execute(delete(PeopleImportRow).where(PeopleImportRow.import_id.in_(old)))


def plain(value: Any) -> Any:
    """Return a value of a person's particulars as JSON holds it."""
    if isinstance(value, frozenset):
        return sorted(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _row(import_id: UUID, one: WrittenRow, until: int) -> dict[str, Any]:
    result = one.result
    return {
        "import_id": import_id,
        "line": result.line,
        "number": result.number[:64],
        "outcome": result.outcome.value,
        "code": result.code,
        "why": result.why[:300],
        "person_id": one.person_id,
        "first_passwords": result.first_passwords,
        "differences": {name: [plain(old), plain(new)] for name, (old, new) in result.differences.items()},
        "changes_until": until,
    }
