"""What a list's or a gate's row says of one person, the sums over such rows, and writing them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from access.snapshot import PersonEntry, View, add_digest, subtract_digest
from directory.list_tables import GateEntry, SharedEntry
from directory.records import Cut


class Content(NamedTuple):
    """An entry as its row tells it: digests with and without templates, their model, whether it is a revocation."""

    full: bytes
    cards: bytes
    model_id: str | None
    is_revoked: bool

    @property
    def has_templates(self) -> bool:
        """Whether the entry holds templates: then, and only then, its digests differ."""
        return self.full != self.cards


def is_same(before: Content | None, after: Content | None) -> bool:
    """Tell whether a gate that has one needs not be told the other."""
    # Whether it is a revocation follows from the entry, which the digests cover.
    return (before and before[:3]) == (after and after[:3])


class Contents:
    """Contents of entries that are cut from one set of records: cuts that leave the same of a person share the work."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[bytes, bytes]] = {}

    def of(self, entry: PersonEntry | None, cut: Cut) -> Content | None:
        """Return the content of an entry that `cut` left, None of none."""
        if entry is None:
            return None
        key = (entry.person_id, entry.groups, entry.grants, entry.model_id, entry.templates)
        if (known := self._known.get(key)) is None:
            full = entry.digest().to_bytes(32, "big")
            cards = entry.without_templates().digest().to_bytes(32, "big") if entry.templates else full
            known = self._known[key] = (full, cards)
        model_id = (entry.model_id or cut.models[0]) if entry.templates else None
        return Content(*known, model_id, entry.is_revoked)


class Sums:
    """The sums of the digests of entries, and how many people more or less each model has."""

    def __init__(self, full: bytes, cards: bytes) -> None:
        """Begin with sums as they are stored."""
        self._full, self._cards = int.from_bytes(full, "big"), int.from_bytes(cards, "big")
        self.people: Counter[str] = Counter()

    def add(self, content: Content | None) -> None:
        """Count an entry in."""
        if content is not None:
            self._full = add_digest(self._full, int.from_bytes(content.full, "big"))
            self._cards = add_digest(self._cards, int.from_bytes(content.cards, "big"))
            if content.model_id is not None:
                self.people[content.model_id] += 1

    def subtract(self, content: Content | None) -> None:
        """Count an entry out."""
        if content is not None:
            self._full = subtract_digest(self._full, int.from_bytes(content.full, "big"))
            self._cards = subtract_digest(self._cards, int.from_bytes(content.cards, "big"))
            if content.model_id is not None:
                self.people[content.model_id] -= 1

    def stored(self, view: View) -> bytes:
        """Return a sum as it is stored."""
        return (self._full if view == "full" else self._cards).to_bytes(32, "big")


def to_row(person: UUID, content: Content | None, revision: int, now: datetime) -> dict[str, Any]:
    """Return what is stored of one person; without a content they are removed, which is a revocation."""
    full, cards, model_id, is_revoked = content or (None, None, None, True)
    return {
        "person_id": person,
        "revision": revision,
        "changed_at": now,
        "is_removed": content is None,
        "is_revoked": is_revoked,
        "full_digest": full,
        "cards_digest": cards,
        "model_id": model_id,
    }


_Entry = type[SharedEntry] | type[GateEntry]
Held = dict[UUID, Content | None]
"""Whoever has a row, with its content: None for a tombstone."""


def read_rows(session: Session, table: _Entry, *where: ColumnElement[bool]) -> dict[Any, Held]:
    """Return the rows of `table` by list or gate, and person."""
    owner: Any = table.list_id if table is SharedEntry else GateEntry.gate
    columns = (table.full_digest, table.cards_digest, table.model_id, table.is_revoked)
    found: dict[Any, Held] = {}
    for key, person, full, cards, model_id, is_revoked in session.execute(
        select(owner, table.person_id, *columns).where(*where)
    ):
        content = None if full is None or cards is None else Content(full, cards, model_id, is_revoked)
        found.setdefault(key, {})[person] = content
    return found


_BATCH = 500
"""Parameters of a statement are limited."""


def replace_rows(
    session: Session, table: _Entry, owner: Mapping[str, Any], gone: Iterable[UUID], rows: Sequence[dict[str, Any]]
) -> None:
    """Delete the rows of `gone` people under a list or gate (`owner`: its column), then insert `rows` there."""
    ((column, key),) = owner.items()
    people = list(gone)
    for start in range(0, len(people), _BATCH):
        part = people[start : start + _BATCH]
        session.execute(delete(table).where(getattr(table, column) == key, table.person_id.in_(part)))
    if rows:
        session.execute(insert(table), [row | dict(owner) for row in rows])
