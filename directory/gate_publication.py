"""One gate's own part of a publication: its policy, its list, and whom it knows otherwise than in the list."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from directory import gate_models
from directory.entry_rows import Content, Held, Sums, is_same, replace_rows, to_row
from directory.list_publication import Revisions
from directory.list_tables import NO_TOTAL, GateEntry, PastGate, SharedEntry, SharedList
from directory.records import Cut
from directory.tables import GateModel, GateRecord
from directory.template_receipts import Removal


class Known(NamedTuple):
    """What a gate knows of a person, what its list says, and whether the gate has a row of its own."""

    here: Content | None
    shared: Content | None
    has_row: bool = False


class GatePublication:
    """Open within one transaction that holds the gate's row; `close` writes the gate back."""

    def __init__(self, session: Session, gate: GateRecord, revisions: Revisions, now: datetime) -> None:
        self.record = gate
        self.removals: list[Removal] = []
        """Templates that left this gate otherwise than with its list."""
        self.newly_listed = set[UUID]()
        """Whoever is known here from now on, otherwise than by a change of its list."""
        self._session = session
        self._revisions = revisions
        self._now = now
        self._before = (gate.own_revision, gate.list_id, gate.published, gate.own_full, gate.own_cards)
        self._sums, self._counts_anew = Sums(gate.own_full, gate.own_cards), False

    def adopt(self, policy: GatePolicy, models: Sequence[str]) -> Cut:
        """Publish a new policy, with a revision of its own, or other `models`; return the cut it asks for.

        `models` are those by which people are matched here, the policy's first.
        """
        self.record.is_dirty = False
        text = policy.model_dump_json()
        if text != self.record.published:
            self.record.published = text
            self.record.own_revision = self._revisions.next()
        if self.record.models != list(models):
            self.record.models = list(models)
        return Cut.of(policy, models)

    def join(
        self,
        target: SharedList,
        *,
        before: Mapping[UUID, Content],
        shared: Mapping[UUID, Content],
        own: Held,
        here: Mapping[UUID, Content | None],
    ) -> None:
        """Come to another list, which says `shared` of people, where the one until now says what was `before`.

        `own` is what the gate's own rows say, `here` what it is to know of whoever has a pass, or such a row that
        differs. Whoever is not known as before gets a row, so that a device in step with the old list hears of exactly
        those; one that is not in step fetches everything anew (`GateRecord.joined_from`).
        """
        # Nobody can be in step with a gate that was never published.
        is_known = self._before[2] is not None
        if is_known:
            before_list = self.record.shared.revision if self.record.shared else 0
            self.record.joined_from = max(self._before[0], before_list)
        self.record.shared = target
        if self.record.own_revision == self._before[0]:
            self.record.own_revision = self._revisions.next()
        self.record.joined_at = self._revisions.last
        self._sums, self._counts_anew = Sums(NO_TOTAL, NO_TOTAL), True
        rows, gone = [], []
        for person in {**before, **own, **shared, **here} if is_known else here:
            was = own[person] if person in own else before.get(person)
            said = shared.get(person)
            known = here.get(person, said)
            if was is None and known is not None:
                self.newly_listed.add(person)
            is_apart = not is_same(known, said)
            has_new_row = not is_same(was, known) and (is_known or is_apart)
            if has_new_row:
                rows.append(to_row(person, known, self._revisions.next(), self._now))
                self._note_removal(person, was, known, self._revisions.last)
            if person in own and (has_new_row or not is_apart):
                gone.append(person)
            if is_apart:
                self._sums.add(known)
                self._sums.subtract(said)
        self._replace(gone, rows)

    def write(self, person: UUID, was: Known, known: Known, *, has_pass: bool, list_revision: int | None) -> None:
        """Bring one person to what is `known` now; `list_revision`: of the list's change of them, None without one.

        Whoever has no pass here is known as in the list. A change that the list does not show gets a row all the same.
        """
        is_changed = not is_same(was.here, known.here)
        if was.here is None and known.here is not None:
            self.newly_listed.add(person)
        has_row = has_pass or (list_revision is None and (is_changed or was.has_row))
        if was.has_row:
            self._sums.subtract(was.here)
            self._sums.add(was.shared)
        if has_row:
            self._sums.add(known.here)
            self._sums.subtract(known.shared)
        rows = []
        if has_row and (is_changed or not was.has_row):
            rows.append(to_row(person, known.here, self._revisions.next(), self._now))
        if was.has_row and (rows or not has_row):
            self._replace([person], rows)
        elif rows:
            self._replace([], rows)
        if is_changed:
            self._note_removal(person, was.here, known.here, self._revisions.last if rows else list_revision or 0)

    def close(self) -> bool:
        """Write the sums back, and return whether the gate has a new revision of its own."""
        revision, list_id, published, full, cards = self._before
        record = self.record
        record.own_full, record.own_cards = self._sums.stored("full"), self._sums.stored("cards")
        if (record.own_full, record.own_cards) != (full, cards) and record.own_revision == revision:
            record.own_revision = self._revisions.next()
        if self._counts_anew:
            self._session.execute(delete(GateModel).where(GateModel.gate == record.name))
        gate_models.count(self._session, GateModel, record.name, self._sums.people, self._now)
        if record.own_revision == revision:
            return False
        record.own_published_at = self._now
        if published is not None:
            past = {"list_id": list_id, "published": published, "own_full": full, "own_cards": cards}
            self._session.add(PastGate(gate=record.name, revision=revision, replaced_at=self._now, **past))
        return True

    def _replace(self, gone: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> None:
        replace_rows(self._session, GateEntry, {"gate": self.record.name}, gone, rows)
        if rows:
            self.record.own_revision = self._revisions.last

    def _note_removal(self, person: UUID, was: Content | None, known: Content | None, revision: int) -> None:
        if was is not None and was.has_templates and not (known is not None and known.has_templates):
            self.removals.append(Removal(person, revision, was.model_id))


def prune(session: Session, before: datetime) -> int:
    """Forget removals older than `before`, and return how many; replicas that never heard of them start anew."""
    forgotten = 0
    for gate in session.scalars(select(GateRecord)):
        old = and_(GateEntry.gate == gate.name, GateEntry.is_removed, GateEntry.changed_at < before)
        last, number = _find_last(session, GateEntry.revision, old)
        if number:
            gate.own_floor = max(gate.own_floor, last)
            session.execute(delete(GateEntry).where(old))
            forgotten += number
    for shared in session.scalars(select(SharedList)):
        old = and_(SharedEntry.list_id == shared.id, SharedEntry.is_removed, SharedEntry.changed_at < before)
        last, number = _find_last(session, SharedEntry.revision, old)
        if number:
            shared.floor = max(shared.floor, last)
            session.execute(delete(SharedEntry).where(old))
            forgotten += number
    return forgotten


def _find_last(session: Session, revision: Any, where: ColumnElement[bool]) -> tuple[int, int]:
    last, number = session.execute(select(func.max(revision), func.count()).where(where)).one()
    return last or 0, number
