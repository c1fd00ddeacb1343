"""One round of publishing, within one transaction that holds the publisher's state: policies first, then people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from access.snapshot import Grant, PersonEntry
from database import Sealer
from directory import acknowledgements, gate_models, template_receipts
from directory.entry_rows import Content, Contents, Held, read_rows
from directory.gate_publication import GatePublication, Known
from directory.gates import policy_of
from directory.list_changes import ListChanges
from directory.list_publication import ListPublication, Revisions
from directory.list_tables import GateEntry, SharedEntry, SharedList
from directory.records import MOST_PEOPLE, Cut, PersonRecord, assemble
from directory.tables import DirectoryPerson, DirectoryState, GateRecord
from directory.template_receipts import Removal

log = structlog.get_logger()


class Publication:
    """What is published to all gates together; `close` writes lists and gates back."""

    def __init__(
        self, session: Session, sealer: Sealer, state: DirectoryState, *, models: Sequence[str], now: datetime
    ) -> None:
        """`state` is locked; `models` are those that the campus uses, none without faces."""
        self.session = session
        self.sealer = sealer
        self.now = now
        self.revisions = Revisions(state)
        self.lists = {one.id: self.open_list(one) for one in session.scalars(select(SharedList))}
        self.list_of: dict[str, ListPublication] = {}
        """By gate."""
        self.newly_listed = set[UUID]()
        """Whoever came to a gate's directory without having been in it."""
        self._state = state
        self._models = list(models)
        self._own: dict[str, GatePublication] = {}
        self._removals: defaultdict[str, list[Removal]] = defaultdict(list)
        published = select(GateRecord.name, GateRecord.list_id, GateRecord.own_revision).order_by(GateRecord.name)
        for name, list_id, revision in session.execute(published):
            if list_id is not None:
                self.list_of[name] = self.lists[list_id]
                self.lists[list_id].gates[name] = revision

    def renew_policies(self) -> None:
        """Publish changed policies; where who is entitled or the models change, everybody is cut again.

        All in this transaction, however long: a gate must never get one model and templates of another.
        """
        if are_models_new := self._state.assembled != self._models:
            self._state.models = self._state.assembled = self._models
            log.info("directory_models", models=self._models)
            self._assemble_again()
            self.session.execute(update(GateRecord).values(is_dirty=True))
        wanted: defaultdict[Cut, list[GatePublication]] = defaultdict(list)
        dirty = select(GateRecord).where(GateRecord.is_dirty).order_by(GateRecord.name)
        for record in self.session.scalars(dirty.with_for_update(key_share=True)).all():
            gate = self._own[record.name] = GatePublication(self.session, record, self.revisions, self.now)
            policy, models = gate_models.assign_models(self.session, record, policy_of(record), self._models)
            cut = gate.adopt(policy, models)
            shared = self.list_of.get(record.name)
            if shared is None or shared.cut != cut:
                wanted[cut].append(gate)
        if wanted:
            ListChanges(self).bring(wanted)
        self._remove_unused()
        if are_models_new:
            self._write_everybody()

    def publish(self, people: Sequence[UUID]) -> None:
        """Assemble people anew and bring every list and gate to their entries."""
        wanted = list(dict.fromkeys(people))
        if wanted:
            self.write(list(self.lists.values()), wanted, self._assemble(wanted))

    def write(
        self, lists: Sequence[ListPublication], people: Sequence[UUID], records: Mapping[UUID, PersonRecord]
    ) -> None:
        """Bring `lists` and their gates to the entries of `people`; whoever has no record may not pass anywhere."""
        contents = Contents()
        listed = [shared.record.id for shared in lists]
        held = read_rows(self.session, SharedEntry, SharedEntry.list_id.in_(listed), SharedEntry.person_id.in_(people))
        apart = self._find_apart(people, records)
        for shared in lists:
            before = held.get(shared.record.id, {})
            after = {person: contents.of(cut(records.get(person), shared.cut), shared.cut) for person in people}
            revisions = shared.write(after, before)
            if not shared.is_new:
                self.newly_listed.update(one for one in people if before.get(one) is None and after[one] is not None)
            own = {gate: apart[gate] for gate in sorted(shared.gates.keys() & apart.keys())}
            for gate, rows in own.items():
                publication = self._open_gate(gate)
                for person, row in rows.items():
                    said, record = before.get(person), records.get(person)
                    grants = record.grants.get(gate, ()) if record is not None else ()
                    publication.write(
                        person,
                        Known(row.content if row else said, said, has_row=row is not None),
                        Known(contents.of(cut(record, shared.cut, grants), shared.cut), after[person]),
                        has_pass=bool(grants),
                        list_revision=revisions.get(person),
                    )
            self._note_removals(shared, own, before, after, revisions)

    def close(self) -> dict[str, int]:
        """Write lists and gates back, and return the new revision of every gate that has one."""
        moved = set[str]()
        for name, gate in self._own.items():
            self.newly_listed |= gate.newly_listed
            if gate.close():
                moved.add(name)
                self.list_of[name].gates[name] = gate.record.own_revision
            self._removals[name] += gate.removals
        for shared in self.lists.values():
            if shared.close():
                moved.update(shared.gates)
        removals = {gate: removed for gate, removed in self._removals.items() if removed}
        template_receipts.open_receipts(self.session, removals, self.now)
        if moved:
            acknowledgements.forget_past(self.session, self.now)
        return {name: self.list_of[name].revision_of(name) for name in sorted(moved)}

    def open_list(self, record: SharedList, *, is_new: bool = False) -> ListPublication:
        """Return a list's part of this publication."""
        return ListPublication(self.session, record, self.revisions, self.now, is_new=is_new)

    def read_records(self, people: Sequence[UUID]) -> dict[UUID, PersonRecord]:
        """Return the records of people (at most `MOST_PEOPLE`) as they were assembled last; who has none is missing."""
        columns = (DirectoryPerson.person_id, DirectoryPerson.sealed)
        rows = self.session.execute(select(*columns).where(DirectoryPerson.person_id.in_(people)))
        return {person: PersonRecord.open(self.sealer, person, sealed) for person, sealed in rows}

    def _open_gate(self, name: str) -> GatePublication:
        if name not in self._own:
            found = select(GateRecord).where(GateRecord.name == name).with_for_update(key_share=True)
            record = self.session.scalars(found.execution_options(populate_existing=True)).one()
            self._own[name] = GatePublication(self.session, record, self.revisions, self.now)
        return self._own[name]

    def _find_apart(
        self, people: Sequence[UUID], records: Mapping[UUID, PersonRecord]
    ) -> dict[str, dict[UUID, "_OwnRow | None"]]:
        """Return by gate who of these has a row there, or a pass and no row yet."""
        apart: defaultdict[str, dict[UUID, _OwnRow | None]] = defaultdict(dict)
        for person, record in records.items():
            for gate in record.grants:
                apart[gate][person] = None
        for gate, rows in read_rows(self.session, GateEntry, GateEntry.person_id.in_(people)).items():
            apart[gate].update({person: _OwnRow(content) for person, content in rows.items()})
        return apart

    def _note_removals(
        self,
        shared: ListPublication,
        own: Mapping[str, Mapping[UUID, object]],
        before: Held,
        after: Held,
        revisions: Mapping[UUID, int],
    ) -> None:
        """Note for every gate of a list the templates that left it; who is the gate's own matter is noted there."""
        for person, revision in revisions.items():
            was, known = before.get(person), after[person]
            if was is None or not was.has_templates or (known is not None and known.has_templates):
                continue
            for gate in shared.gates:
                if person not in own.get(gate, {}):
                    self._removals[gate].append(Removal(person, revision, was.model_id))

    def _assemble_again(self) -> None:
        """Assemble anew whoever has a record; all others come with the change feed."""
        people = self.session.scalars(select(DirectoryPerson.person_id)).all()
        for start in range(0, len(people), MOST_PEOPLE):
            self._assemble(people[start : start + MOST_PEOPLE])

    def _write_everybody(self) -> None:
        """Bring all lists to records that were assembled anew.

        Not the models alone make them others: who is long expired has none any more, nor has what ended long ago.
        """
        people = set(self.session.scalars(select(DirectoryPerson.person_id)))
        for table in (SharedEntry, GateEntry):
            people.update(self.session.scalars(select(table.person_id).where(~table.is_removed).distinct()))
        wanted = sorted(people)
        for start in range(0, len(wanted), MOST_PEOPLE):
            part = wanted[start : start + MOST_PEOPLE]
            self.write(list(self.lists.values()), part, self.read_records(part))

    def _remove_unused(self) -> None:
        """Remove lists that no gate shares any more: the last one left, or was taken away."""
        for shared in [one for one in self.lists.values() if not one.gates]:
            shared.remove()
            del self.lists[shared.record.id]

    def _assemble(self, people: Sequence[UUID]) -> dict[UUID, PersonRecord]:
        """Assemble people anew and keep their records; of whoever is gone nothing stays."""
        records = assemble(self.session, self.sealer, people, models=self._models, now=self.now)
        self.session.execute(delete(DirectoryPerson).where(DirectoryPerson.person_id.in_(people)))
        rows = [
            {"person_id": person, "valid_until": record.entry.valid_until, "sealed": record.seal(self.sealer)}
            for person, record in records.items()
        ]
        if rows:
            self.session.execute(insert(DirectoryPerson), rows)
        return records


class _OwnRow(NamedTuple):
    content: Content | None


def cut(record: PersonRecord | None, by: Cut, grants: tuple[Grant, ...] = ()) -> PersonEntry | None:
    """Return the entry that a cut leaves of a record, None of none."""
    return None if record is None else record.for_cut(by, grants)
