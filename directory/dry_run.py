"""May this person pass this gate at this time, and why (not)? The gate's own decision, asked of the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from access.decision import AccessRequest, Decision, FaceResult, decide, model_of, required_mode
from access.policy import Direction, GatePolicy, Mode
from access.snapshot import PersonEntry
from database import Sealer
from directory import gate_models
from directory.feed import NotPublishedError
from directory.gates import get
from directory.records import EntryFilter, PersonRecord
from directory.tables import DirectoryPerson


class Shown(StrEnum):
    """What the person is imagined to show."""

    FACE = "face"
    CARD = "card"
    CODE = "code"
    CARD_AND_FACE = "card_and_face"
    CARD_AND_PIN = "card_and_pin"


@dataclass(frozen=True, slots=True)
class DryRun:
    """The decision, with what it rests on. `known_by` lists what the gate could know the person by."""

    decision: Decision
    mode: Mode
    groups: tuple[str, ...]
    in_directory: bool
    known_by: tuple[str, ...]
    revision: int


def dry_run(
    session: Session,
    sealer: Sealer,
    gate: str,
    person_id: UUID,
    *,
    at: datetime,
    shown: Shown,
    direction: Direction = Direction.ENTRY,
    instead: GatePolicy | None = None,
) -> DryRun:
    """Decide from what is published now. Other people's passages are not known here, so their rules stay silent.

    `instead` asks what another policy of this gate would decide; it is not published by that.

    Raises:
        NotFoundError: no such gate.
        NotPublishedError: it has no directory yet.
    """
    record = get(session, gate)
    if record.published is None:
        raise NotPublishedError
    policy = GatePolicy.model_validate_json(record.published)
    models: Sequence[str] | None = record.models
    if instead is not None:
        policy, models = gate_models.assign_models(session, record, instead, gate_models.find_all(session))
    person = session.get(DirectoryPerson, person_id)
    entry = None
    if person is not None:
        entry = PersonRecord.open(sealer, person_id, person.sealed).for_gate(EntryFilter.of(policy, models))
    request = imagine_request(shown, entry, policy, direction)
    return DryRun(
        decision=decide(request, entry, policy, at),
        mode=required_mode(policy, at),
        groups=entry.groups if entry is not None else (),
        in_directory=entry is not None,
        known_by=_known_by(entry),
        revision=record.revision,
    )


def imagine_request(shown: Shown, entry: PersonEntry | None, policy: GatePolicy, direction: Direction) -> AccessRequest:
    """Imagine that the person shows everything right: an active card before a lost one, a face that is known."""
    with_face = shown in {Shown.FACE, Shown.CARD_AND_FACE}
    face = None
    if with_face:
        has_face = entry is not None and bool(entry.templates)
        face = FaceResult.MATCHED if has_face else FaceResult.UNKNOWN
    credential = pin = None
    if shown is not Shown.FACE:
        kind = "code" if shown is Shown.CODE else "card"
        mine = [one for one in entry.credentials if one.kind == kind] if entry is not None else []
        mine.sort(key=lambda one: one.status == "active")
        # A person without one shows one that nobody knows.
        credential = mine[-1].digest if mine else ""
    if shown is Shown.CARD_AND_PIN and entry is not None:
        pin = next((one.digest for one in entry.credentials if one.kind == "pin"), None)
    return AccessRequest(
        face=face,
        face_model=model_of(entry, policy) if with_face else None,
        credential=credential,
        authenticated=True,
        pin=pin,
        direction=direction,
    )


def _known_by(entry: PersonEntry | None) -> tuple[str, ...]:
    if entry is None:
        return ()
    kinds = {one.kind for one in entry.credentials if one.status == "active"}
    return tuple(sorted(kinds | ({"face"} if entry.templates else set())))
