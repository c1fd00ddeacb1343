"""One gate's part of a publication: compares, gives out revisions, keeps the sums of digests in step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from access.snapshot import PersonEntry, add_digest, subtract_digest
from directory import template_receipts
from directory.records import EntryFilter
from directory.tables import GateEntry, GateRecord

_BATCH = 500


class GatePublication:
    """Open within one transaction that holds the gate's row; `close` writes the gate back."""

    def __init__(self, session: Session, gate: GateRecord, now: datetime) -> None:
        self.record = gate
        self._session = session
        self._now = now
        self._before = gate.revision
        self._full = int.from_bytes(gate.full_total, "big")
        self._cards = int.from_bytes(gate.cards_total, "big")
        self._entry_filter: EntryFilter | None = None
        if gate.published is not None:
            self._entry_filter = EntryFilter.of(GatePolicy.model_validate_json(gate.published))

    @property
    def entry_filter(self) -> EntryFilter:
        """What shapes the entries of this gate."""
        if self._entry_filter is None:
            raise LookupError(f"gate {self.record.name} has no published policy yet")
        return self._entry_filter

    def adopt(self, policy: GatePolicy) -> bool:
        """Publish a new policy, with a revision of its own; return whether its entries may differ now."""
        self.record.is_dirty = False
        text = policy.model_dump_json()
        if text == self.record.published:
            return False
        self.record.published = text
        self.record.revision += 1
        changed = self._entry_filter != EntryFilter.of(policy)
        self._entry_filter = EntryFilter.of(policy)
        return changed

    def write(self, entries: Mapping[UUID, PersonEntry | None], digests: "Digests") -> None:
        """Bring people to their entries (None: may not pass here); who is the same as before gets no revision."""
        people = list(entries)
        for start in range(0, len(people), _BATCH):
            self._write(people[start : start + _BATCH], entries, digests)

    def close(self) -> bool:
        """Write the sums back, and return whether the gate has a new revision."""
        if self.record.revision == self._before:
            return False
        self.record.full_total = self._full.to_bytes(32, "big")
        self.record.cards_total = self._cards.to_bytes(32, "big")
        self.record.published_at = self._now
        return True

    def _write(self, people: list[UUID], entries: Mapping[UUID, PersonEntry | None], digests: "Digests") -> None:
        published = self._session.execute(
            select(GateEntry.person_id, GateEntry.full_digest, GateEntry.cards_digest).where(
                GateEntry.gate == self.record.name, GateEntry.person_id.in_(people)
            )
        )
        held = {row.person_id: row for row in published}
        rows: list[dict[str, Any]] = []
        templates_removed: list[tuple[UUID, int]] = []
        for person in people:
            before = held.get(person)
            row = self._to_row(person, entries[person], digests)
            old_full, old_cards = (before.full_digest, before.cards_digest) if before else (None, None)
            if (row["full_digest"], row["cards_digest"]) == (old_full, old_cards):
                continue
            self._full = _replace_digest(self._full, old_full, row["full_digest"])
            self._cards = _replace_digest(self._cards, old_cards, row["cards_digest"])
            self.record.revision += 1
            rows.append(row | {"revision": self.record.revision})
            # An entry's digests differ when, and only when, it holds templates.
            if old_full != old_cards and row["full_digest"] == row["cards_digest"]:
                templates_removed.append((person, self.record.revision))
        if rows:
            changed = [row["person_id"] for row in rows]
            self._session.execute(
                delete(GateEntry).where(GateEntry.gate == self.record.name, GateEntry.person_id.in_(changed))
            )
            self._session.execute(insert(GateEntry), rows)
        if templates_removed:
            devices = template_receipts.find_holders(self._session, self.record.name)
            template_receipts.open_receipts(self._session, self.record.name, templates_removed, devices, self._now)

    def _to_row(self, person: UUID, entry: PersonEntry | None, digests: "Digests") -> dict[str, Any]:
        full, cards = digests.of(entry) if entry is not None else (None, None)
        return {
            "gate": self.record.name,
            "person_id": person,
            "changed_at": self._now,
            "is_removed": entry is None,
            "is_revoked": entry is None or entry.is_revoked,
            "full_digest": full,
            "cards_digest": cards,
        }


class Digests:
    """Digests of entries cut from one set of records: gates that cut a person alike share the work."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[bytes, bytes]] = {}

    def of(self, entry: PersonEntry) -> tuple[bytes, bytes]:
        """Return the digests with and without templates."""
        key = (entry.person_id, entry.groups, entry.grants, bool(entry.templates))
        if (known := self._known.get(key)) is None:
            full = entry.digest().to_bytes(32, "big")
            cards = entry.without_templates().digest().to_bytes(32, "big") if entry.templates else full
            known = self._known[key] = (full, cards)
        return known


def _replace_digest(total: int, old: bytes | None, new: bytes | None) -> int:
    if old is not None:
        total = subtract_digest(total, int.from_bytes(old, "big"))
    return add_digest(total, int.from_bytes(new, "big")) if new is not None else total


def prune(session: Session, gate: GateRecord, before: datetime) -> int:
    """Forget removals older than `before`, and return how many; replicas that never heard of them start anew."""
    old = session.execute(
        select(GateEntry.person_id, GateEntry.revision).where(
            GateEntry.gate == gate.name, GateEntry.is_removed, GateEntry.changed_at < before
        )
    ).all()
    if old:
        gate.floor = max(gate.floor, *(revision for _, revision in old))
        session.execute(
            delete(GateEntry).where(GateEntry.gate == gate.name, GateEntry.is_removed, GateEntry.changed_at < before)
        )
    return len(old)
