"""One gate's part of a publication: compares, gives out revisions, keeps the sums of digests in step."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from access.snapshot import PersonEntry, add_digest, subtract_digest
from directory import gate_models, template_receipts
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
            self._entry_filter = EntryFilter.of(GatePolicy.model_validate_json(gate.published), gate.models)
        self._people: Counter[str] = Counter()
        """By model, how many people more than before."""

    @property
    def entry_filter(self) -> EntryFilter:
        """What shapes the entries of this gate."""
        if self._entry_filter is None:
            raise LookupError(f"gate {self.record.name} has no published policy yet")
        return self._entry_filter

    def adopt(self, policy: GatePolicy, models: Sequence[str]) -> bool:
        """Publish a new policy, with a revision of its own, or other `models`; return whether entries may differ now.

        `models` are those by which people are matched here, the policy's first.
        """
        self.record.is_dirty = False
        text = policy.model_dump_json()
        if text != self.record.published:
            self.record.published = text
            self.record.revision += 1
        if self.record.models != list(models):
            self.record.models = list(models)
        before, self._entry_filter = self._entry_filter, EntryFilter.of(policy, models)
        return before != self._entry_filter

    def write(self, entries: Mapping[UUID, PersonEntry | None], digests: "Digests") -> None:
        """Bring people to their entries (None: may not pass here); who is the same as before gets no revision."""
        people = list(entries)
        for start in range(0, len(people), _BATCH):
            self._write(people[start : start + _BATCH], entries, digests)

    def close(self) -> bool:
        """Write the sums back, and return whether the gate has a new revision."""
        if self.record.revision == self._before:
            return False
        gate_models.count(self._session, self.record.name, self._people, self._now)
        self.record.full_total = self._full.to_bytes(32, "big")
        self.record.cards_total = self._cards.to_bytes(32, "big")
        self.record.published_at = self._now
        return True

    def _write(self, people: list[UUID], entries: Mapping[UUID, PersonEntry | None], digests: "Digests") -> None:
        published = self._session.execute(
            select(GateEntry.person_id, GateEntry.full_digest, GateEntry.cards_digest, GateEntry.model_id).where(
                GateEntry.gate == self.record.name, GateEntry.person_id.in_(people)
            )
        )
        held = {row.person_id: row for row in published}
        rows: list[dict[str, Any]] = []
        templates_removed: list[template_receipts.Removal] = []
        for person in people:
            before = held.get(person)
            row = self._to_row(person, entries[person], digests)
            old_full, old_cards = (before.full_digest, before.cards_digest) if before else (None, None)
            was_of = before.model_id if before else None
            if (row["full_digest"], row["cards_digest"], row["model_id"]) == (old_full, old_cards, was_of):
                continue
            self._full = _replace_digest(self._full, old_full, row["full_digest"])
            self._cards = _replace_digest(self._cards, old_cards, row["cards_digest"])
            self.record.revision += 1
            rows.append(row | {"revision": self.record.revision})
            # An entry's digests differ when, and only when, it holds templates.
            if old_full != old_cards and row["full_digest"] == row["cards_digest"]:
                templates_removed.append(template_receipts.Removal(person, self.record.revision, was_of))
            self._count_change(was_of, row["model_id"])
        if rows:
            changed = [row["person_id"] for row in rows]
            self._session.execute(
                delete(GateEntry).where(GateEntry.gate == self.record.name, GateEntry.person_id.in_(changed))
            )
            self._session.execute(insert(GateEntry), rows)
        if templates_removed:
            devices = template_receipts.find_holders(self._session, self.record.name)
            template_receipts.open_receipts(self._session, self.record.name, templates_removed, devices, self._now)

    def _count_change(self, before: str | None, after: str | None) -> None:
        if before != after:
            self._people.update({model_id: change for model_id, change in ((before, -1), (after, 1)) if model_id})

    def _to_row(self, person: UUID, entry: PersonEntry | None, digests: "Digests") -> dict[str, Any]:
        full, cards = digests.of(entry) if entry is not None else (None, None)
        model_id = None
        if entry is not None and entry.templates:
            model_id = entry.model_id or self.entry_filter.models[0]
        return {
            "gate": self.record.name,
            "person_id": person,
            "changed_at": self._now,
            "is_removed": entry is None,
            "is_revoked": entry is None or entry.is_revoked,
            "full_digest": full,
            "cards_digest": cards,
            "model_id": model_id,
        }


class Digests:
    """Digests of entries cut from one set of records: gates that cut a person alike share the work."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[bytes, bytes]] = {}

    def of(self, entry: PersonEntry) -> tuple[bytes, bytes]:
        """Return the digests with and without templates."""
        key = (entry.person_id, entry.groups, entry.grants, entry.model_id, entry.templates)
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
