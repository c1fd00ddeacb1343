"""What the gates may know of a person: assembled from accounts, passes and templates, then cut down for each gate."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from access.credentials import virtual_card_digest
from access.policy import GatePolicy
from access.snapshot import CredentialEntry, Grant, PersonEntry
from access.templates import pack_vector
from accounts.tables import Card, Person
from accounts.vocabulary import PersonState
from database import Sealer
from database.digests import credential_key
from database.resealing import SealedColumn
from directory.tables import DirectoryPerson, GatePerson, LookAlikePair, VisitorPass
from enrollment import templates

EXPIRED_GRACE = timedelta(days=1)
"""For so long an expired person is still told why; then every gate forgets them."""

MOST_PEOPLE = 500
"""People assembled at once: SQLite and PostgreSQL limit the parameters of a statement."""


class PersonRecord(BaseModel):
    """`entry` holds all groups, `faces` the templates by model; `grants` the passes by gate."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    entry: PersonEntry
    grants: dict[str, tuple[Grant, ...]] = {}
    faces: dict[str, tuple[bytes, ...]] = {}

    def seal(self, sealer: Sealer) -> bytes:
        """Return the record as it is stored."""
        return sealer.seal(self.model_dump_json().encode(), _context(self.entry.person_id))

    @classmethod
    def open(cls, sealer: Sealer, person_id: UUID, sealed: bytes) -> "PersonRecord":
        """Read what `seal` made.

        Raises:
            database.SealingError: another key, or changed bytes.
        """
        return cls.model_validate_json(sealer.open(sealed, _context(person_id)))

    def for_gate(self, gate: "EntryFilter") -> PersonEntry | None:
        """Return the entry of one gate, None when the person may never pass there."""
        return self.for_cut(gate.cut, self.grants.get(gate.gate, ()))

    def for_cut(self, cut: "Cut", grants: tuple[Grant, ...] = ()) -> PersonEntry | None:
        """Return the entry of every gate of a cut that gave these passes, None when the person may never pass there.

        Its templates are all of one model: the first of the cut's that the person has any of.
        """
        groups = cut.named_groups.intersection(self.entry.groups)
        if not grants and cut.entitled_groups.isdisjoint(groups):
            return None
        update: dict[str, object] = {"groups": tuple(sorted(groups)), "grants": grants}
        model_id = next((model_id for model_id in cut.models if self.faces.get(model_id)), None)
        if model_id is not None:
            named = model_id if model_id != cut.models[0] else None
            update |= {"templates": self.faces[model_id], "model_id": named}
        return self.entry.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class Cut:
    """What of a policy shapes the entries; hours and rules do not. Gates of one cut share a list."""

    entitled_groups: frozenset[str]
    named_groups: frozenset[str]
    models: tuple[str, ...]
    """The models by which people may be matched there, the gate's own first; none at a gate that asks for no face."""

    @classmethod
    def of(cls, policy: GatePolicy, models: Sequence[str] | None) -> "Cut":
        """Return what shapes the entries of a policy's gate, whose people are matched by `models`."""
        used = tuple(models or ()) if policy.uses_faces else ()
        return cls(policy.entitled_groups, policy.named_groups, used)

    def to_json(self) -> str:
        """Return the one way to write it down."""
        return json.dumps([sorted(self.entitled_groups), sorted(self.named_groups), self.models])

    @classmethod
    def from_json(cls, text: str) -> "Cut":
        """Read what `to_json` wrote."""
        entitled, named, models = json.loads(text)
        return cls(frozenset(entitled), frozenset(named), tuple(models))


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """What shapes the entries of one gate: its cut, and its name for the passes that are good there."""

    gate: str
    cut: Cut

    @classmethod
    def of(cls, policy: GatePolicy, models: Sequence[str] | None) -> "EntryFilter":
        """Return what shapes the entries of a policy's gate, whose people are matched by `models`."""
        return cls(policy.gate, Cut.of(policy, models))


def assemble(
    session: Session,
    sealer: Sealer,
    person_ids: Collection[UUID],
    *,
    models: Sequence[str],
    now: datetime,
) -> dict[UUID, PersonRecord]:
    """Return the records of people (at most `MOST_PEOPLE`) with their templates of `models`.

    Who is closed, long expired or gone is missing.

    Raises:
        database.SealingError: a template cannot be opened.
    """
    people = session.scalars(
        select(Person).where(
            Person.id.in_(person_ids),
            Person.state != PersonState.CLOSED,
            (Person.valid_until.is_(None)) | (Person.valid_until > now - EXPIRED_GRACE),
        )
    ).all()
    known = [person.id for person in people]
    credentials = _credentials(session, known, now)
    passes = _passes(session, known, now)
    alike = _look_alikes(session, known)
    extras = {row.person_id: row for row in session.scalars(select(GatePerson).where(GatePerson.person_id.in_(known)))}
    faces = templates.load_means_by_model(session, sealer, models, known)
    records = {}
    for person in people:
        extra = extras.get(person.id)
        grants, codes = _granted(passes.get(person.id, ()))
        pins = [CredentialEntry(kind="pin", digest=extra.pin_digest)] if extra and extra.pin_digest else []
        entry = PersonEntry(
            person_id=person.id,
            valid_from=person.valid_from,
            valid_until=person.valid_until,
            suspended=person.state is PersonState.SUSPENDED,
            groups=tuple(sorted(person.groups)),
            needs_card_and_face=person.id in alike or (extra is not None and extra.needs_card_and_face),
            extended_time=extra is not None and extra.extended_time,
            credentials=(*credentials.get(person.id, ()), *codes, *pins),
        )
        packed = {model_id: (pack_vector(mean.vector),) for model_id, mean in faces.get(person.id, {}).items()}
        records[person.id] = PersonRecord(entry=entry, grants=grants, faces=packed)
    return records


def _look_alikes(session: Session, person_ids: list[UUID]) -> set[UUID]:
    columns = (LookAlikePair.one_id, LookAlikePair.other_id)
    return {person for column in columns for person in session.scalars(select(column).where(column.in_(person_ids)))}


def _credentials(session: Session, person_ids: list[UUID], now: datetime) -> dict[UUID, list[CredentialEntry]]:
    """Cards, the ended ones too: whoever shows one is told so, and not that it is unknown.

    An ended virtual card is kept for the grace: its last code, made ahead, is dead within minutes.
    """
    cards = session.execute(
        select(Card.person_id, Card.uid_digest, Card.code_handle, Card.state)
        .where(
            Card.person_id.in_(person_ids),
            or_(
                Card.uid_digest.is_not(None),
                Card.code_handle.is_not(None) & (Card.ended_at.is_(None) | (Card.ended_at > now - EXPIRED_GRACE)),
            ),
        )
        .order_by(Card.issued_at, Card.id)
    )
    found: defaultdict[UUID, dict[str, CredentialEntry]] = defaultdict(dict)
    for person_id, uid_digest, handle, state in cards:
        if uid_digest is not None:
            digest = uid_digest
        elif handle is not None:
            digest = virtual_card_digest(credential_key(session), handle)
        else:
            continue
        # The same card may have been issued twice to one person; its last state counts.
        found[person_id][digest] = CredentialEntry(kind="card", digest=digest, status=state.value)
    return {person_id: list(entries.values()) for person_id, entries in found.items()}


def find_visitors(session: Session, host_ids: Collection[UUID], now: datetime) -> list[UUID]:
    """Return the people whose passes these hosts gave and that are not over: they change with their hosts."""
    query = select(VisitorPass.person_id).where(
        VisitorPass.host_id.in_(host_ids), VisitorPass.ended_at.is_(None), VisitorPass.valid_until > now
    )
    return list(session.scalars(query))


def _passes(session: Session, person_ids: list[UUID], now: datetime) -> dict[UUID, list[VisitorPass]]:
    host = aliased(Person)
    rows = session.scalars(
        select(VisitorPass)
        .outerjoin(host, host.id == VisitorPass.host_id)
        .where(
            VisitorPass.person_id.in_(person_ids),
            # What a host gave is worth as much as the host's own account.
            or_(VisitorPass.host_id.is_(None), host.state == PersonState.ACTIVE),
            VisitorPass.ended_at.is_(None),
            VisitorPass.valid_until > now - EXPIRED_GRACE,
        )
        .order_by(VisitorPass.id)
    )
    found: defaultdict[UUID, list[VisitorPass]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append(row)
    return found


def _granted(passes: Iterable[VisitorPass]) -> tuple[dict[str, tuple[Grant, ...]], list[CredentialEntry]]:
    grants: defaultdict[str, list[Grant]] = defaultdict(list)
    codes = []
    for one in passes:
        for gate in one.gates:
            grants[gate].append(Grant(valid_from=one.valid_from, valid_until=one.valid_until))
        if one.code_digest is not None:
            codes.append(
                CredentialEntry(
                    kind="code", digest=one.code_digest, valid_from=one.valid_from, valid_until=one.valid_until
                )
            )
    return {gate: tuple(found) for gate, found in grants.items()}, codes


def context_of_code(pass_id: UUID) -> bytes:
    """Return what the sealed code of a pass is bound to."""
    return b"visitor pass:" + pass_id.bytes


def _context(person_id: UUID) -> bytes:
    return b"directory:" + person_id.bytes


SEALED = (
    SealedColumn(DirectoryPerson.person_id, DirectoryPerson.sealed, _context),
    SealedColumn(VisitorPass.id, VisitorPass.sealed_code, context_of_code),
)
"""What the directory keeps sealed: a change of keys must go through it."""
