"""One round of publishing, within one transaction that holds every gate: policies first, then people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from access.snapshot import PersonEntry
from accounts.tables import Person
from database import Sealer
from directory import acknowledgements, gate_models
from directory.gate_publication import Digests, GatePublication
from directory.gates import policy_of
from directory.records import MOST_PEOPLE, PersonRecord, assemble
from directory.tables import DirectoryPerson, DirectoryState, GateRecord

log = structlog.get_logger()


class Publication:
    """What is published to all gates together; `close` writes them back."""

    def __init__(
        self, session: Session, sealer: Sealer, gates: Sequence[GateRecord], *, models: Sequence[str], now: datetime
    ) -> None:
        """`gates` are locked; `models` are those that the campus uses, none without faces."""
        self._session = session
        self._sealer = sealer
        self._models = list(models)
        self._now = now
        self._gates = [GatePublication(session, gate, now) for gate in gates]

    def renew_policies(self, state: DirectoryState) -> None:
        """Publish changed policies; where who is entitled or the models change, everybody is assembled again.

        All in this transaction, however long: a gate must never get one model and templates of another.
        """
        if state.assembled != self._models:
            state.models = state.assembled = self._models
            log.info("directory_models", models=self._models)
            self._assemble_everybody()
            for gate in self._gates:
                gate.record.is_dirty = True
        concerned = [gate for gate in self._gates if gate.record.is_dirty and self._adopt_policy(gate)]
        if not concerned:
            return
        rows = self._session.execute(select(DirectoryPerson.person_id, DirectoryPerson.sealed))
        for part in rows.partitions(MOST_PEOPLE):
            records = {person: PersonRecord.open(self._sealer, person, sealed) for person, sealed in part}
            _write(concerned, list(records), records)

    def publish(self, people: Sequence[UUID]) -> None:
        """Assemble people anew and bring every gate to their entries."""
        wanted = list(dict.fromkeys(people))
        if wanted:
            _write(self._gates, wanted, self._assemble(wanted))

    def close(self) -> dict[str, int]:
        """Write the gates back, and return the new revision of every gate that has one."""
        moved = [gate.record for gate in self._gates if gate.close()]
        for record in moved:
            acknowledgements.record_published(self._session, record, self._now)
        return {record.name: record.revision for record in moved}

    def _adopt_policy(self, gate: GatePublication) -> bool:
        policy, models = gate_models.assign_models(self._session, gate.record, policy_of(gate.record), self._models)
        return gate.adopt(policy, models)

    def _assemble_everybody(self) -> None:
        people = self._session.scalars(select(Person.id)).all()
        for start in range(0, len(people), MOST_PEOPLE):
            self._assemble(people[start : start + MOST_PEOPLE])

    def _assemble(self, people: Sequence[UUID]) -> dict[UUID, PersonRecord]:
        """Assemble people anew and keep their records; of whoever is gone nothing stays."""
        records = assemble(self._session, self._sealer, people, models=self._models, now=self._now)
        self._session.execute(delete(DirectoryPerson).where(DirectoryPerson.person_id.in_(people)))
        for person, record in records.items():
            row = DirectoryPerson(
                person_id=person, valid_until=record.entry.valid_until, sealed=record.seal(self._sealer)
            )
            self._session.add(row)
        self._session.flush()
        return records


def _write(gates: Sequence[GatePublication], people: Sequence[UUID], records: dict[UUID, PersonRecord]) -> None:
    """Bring `gates` to the entries of `people`; whoever has no record may not pass anywhere."""
    digests = Digests()
    for gate in gates:
        entries: dict[UUID, PersonEntry | None] = dict.fromkeys(people)
        for person, record in records.items():
            entries[person] = record.for_gate(gate.entry_filter)
        gate.write(entries, digests)
