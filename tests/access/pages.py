"""A directory in memory that answers like the server's: a reference for the replica, in the simplest way."""

from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np

from access.policy import GatePolicy, Rule
from access.snapshot import (
    Change,
    ChangePage,
    CredentialEntry,
    PersonEntry,
    add_digest,
    directory_digest,
)
from access.templates import pack_vector

POLICY = GatePolicy(gate="main", model_id="m-1", rules=(Rule(group="students"),))


def person_id(number: int) -> UUID:
    return uuid5(NAMESPACE_OID, str(number))


def entry(number: int, *, face: int | None = None, suspended: bool = False, card: str = "active") -> PersonEntry:
    vector = np.random.default_rng(face).normal(size=8)
    return PersonEntry(
        person_id=person_id(number),
        groups=("students",),
        suspended=suspended,
        credentials=(CredentialEntry(kind="card", digest=f"{number:064x}", status=card),),
        templates=() if face is None else (pack_vector(vector / np.linalg.norm(vector)),),
    )


@dataclass
class Directory:
    """The last change of everybody, by person."""

    policy: GatePolicy = POLICY
    revision: int = 0
    rows: dict[UUID, Change] = field(default_factory=dict)

    def put(self, person: PersonEntry) -> None:
        self._note(person.person_id, person)

    def remove(self, number: int) -> None:
        if person_id(number) in self.rows:
            self._note(person_id(number), None)

    def page(self, replica, limit: int = 100) -> ChangePage:
        held = replica.position
        rows = sorted(self.rows.values(), key=lambda change: change.revision)
        first = [row for row in rows if row.revision > max(held.revision, held.revoked_to) and _is_revoked(row)]
        rest = [row for row in rows if row.revision > held.revision and not _is_revoked(row)]
        taken = first[:limit]
        others = rest[: limit - len(taken)]
        complete = len(taken) + len(others) < limit
        to_revision = self.revision if complete else others[-1].revision if others else held.revision
        return ChangePage(
            policy=self.policy,
            from_revision=held.revision,
            to_revision=to_revision,
            revoked_from=held.revoked_to,
            revoked_to=taken[-1].revision if len(taken) == limit else self.revision,
            latest_revision=self.revision,
            changes=(*taken, *others),
            digest_when_complete=self.digest if to_revision == self.revision else None,
        )

    @property
    def digest(self) -> str:
        total = 0
        for change in self.rows.values():
            if change.entry is not None:
                total = add_digest(total, change.entry.digest())
        return directory_digest(self.policy, total)

    @property
    def people(self) -> dict[UUID, PersonEntry]:
        return {person: change.entry for person, change in self.rows.items() if change.entry is not None}

    def _note(self, person: UUID, entry: PersonEntry | None) -> None:
        self.revision += 1
        self.rows[person] = Change(revision=self.revision, person_id=person, entry=entry)


def _is_revoked(change: Change) -> bool:
    return change.entry is None or change.entry.is_revoked
