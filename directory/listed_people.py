"""Who is in a gate's directory, and in which gates' a person is: by its list, or by a row of its own."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import Session

from directory.list_tables import GateEntry, SharedEntry
from directory.tables import GateRecord


def select_people(gate: str) -> Select[Any]:
    """Return a query for the ids of everybody in a gate's directory."""
    own = select(GateEntry.person_id).where(GateEntry.gate == gate)
    shared = (
        select(SharedEntry.person_id)
        .join(GateRecord, GateRecord.list_id == SharedEntry.list_id)
        .where(GateRecord.name == gate, ~SharedEntry.is_removed, SharedEntry.person_id.not_in(own))
    )
    both = union_all(own.where(~GateEntry.is_removed), shared).subquery()
    return select(both.c.person_id)


def find_gates(session: Session, person_id: UUID, *, with_templates: bool = False) -> list[str]:
    """Return the gates in whose directory a person is, by name; `with_templates`: those that have their face."""
    shared = (
        select(GateRecord.name, *_columns(SharedEntry))
        .join(SharedEntry, SharedEntry.list_id == GateRecord.list_id)
        .where(SharedEntry.person_id == person_id)
    )
    own = select(GateEntry.gate, *_columns(GateEntry)).where(GateEntry.person_id == person_id)
    found = dict[str, bool]()
    for rows in (shared, own):
        for gate, is_removed, full, cards in session.execute(rows):
            found[gate] = not is_removed and not (with_templates and full == cards)
    return sorted(gate for gate, is_there in found.items() if is_there)


def _columns(table: type[SharedEntry] | type[GateEntry]) -> tuple[Any, ...]:
    return table.is_removed, table.full_digest, table.cards_digest
