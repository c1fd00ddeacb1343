"""Taking an account away that was opened by mistake and nobody used: no other room may speak of it yet.

Whoever used theirs is closed (`registry.set_state`), and stays for the history.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Table, delete, select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger import chart
from accounts.people import changes
from accounts.tables import Password, Person, PersonGroup, PersonRole
from database import Base

WITH_THE_ACCOUNT = ("person_groups", "passwords", "person_changes", "people_import_rows")
"""Tables whose rows go with the account, or only tell that it was there."""
FOLLOWING = ("directory_people", "shared_entries", "gate_entries")
"""What gates know is made from the accounts, and follows their changes."""


def find_used(session: Session, person_ids: Collection[UUID]) -> set[UUID]:
    """Return who of these cannot be taken away: something is kept that speaks of them."""
    wanted, used = list(person_ids), set[UUID]()
    if not wanted:
        return used
    for column in _references():
        used.update(session.scalars(select(column).where(column.in_(wanted)).distinct()))
    return used | chart.find_moved(session, wanted)


def remove(session: Session, found: Sequence[Person], *, by: str, now: datetime) -> None:
    """Take away accounts (some hundred) that `find_used` does not name, with their empty wallets."""
    ids = [person.id for person in found]
    if not ids:
        return
    session.flush()
    for person in found:
        session.expunge(person)
    for table in (PersonGroup, PersonRole, Password):
        session.execute(delete(table).where(table.person_id.in_(ids)))
    session.execute(delete(Person).where(Person.id.in_(ids)))
    chart.discard(session, ids)
    changes.record(session, *ids)
    subjects = [f"person:{person_id}" for person_id in ids]
    audit.record_many(session, actor=by, action="person.remove", subjects=subjects, now=now)


def _references() -> Iterator[Column[UUID]]:
    """Yield every column, of whatever room, that speaks of a person."""
    for table in Base.metadata.sorted_tables:
        if table.name not in (*WITH_THE_ACCOUNT, *FOLLOWING):
            yield from (column for column in table.columns if _is_reference(table, column))


def _is_reference(table: Table, column: Column[UUID]) -> bool:
    if table.name == Person.__tablename__:
        return column.name == "merged_into"
    return column.name == "person_id" or any(
        key.column.table.name == Person.__tablename__ for key in column.foreign_keys
    )
