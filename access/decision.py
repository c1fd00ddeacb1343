"""May this person pass this gate now, and why (not)? One pure function: the time and all state come in as arguments.

The order of the questions is fixed, and the first refusal is the reason: who is it, is what was shown still valid, is
the person, may they be here now, was enough shown, and last the rules that depend on other people.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from access.policy import Direction, GatePolicy, Mode, Offline, Rule
from access.reasons import Notice, Reason
from access.rules import (
    AccessContext,
    check_anti_passback,
    check_curfew,
    check_first_person,
    check_occupancy,
    check_two_persons,
)
from access.snapshot import CredentialEntry, Grant, PersonEntry


class FaceResult(StrEnum):
    """What the edge made of the face: by itself against its directory, or 1:1 against the card's holder."""

    MATCHED = "matched"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    """Two people fit too equally well."""
    SPOOF = "spoof"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What was shown at the gate. Digests are those of `access.credentials`."""

    face: FaceResult | None = None
    face_model: str | None = None
    """The model by which the face was compared."""
    credential: str | None = None
    """Digest of the card or code."""
    authenticated: bool = False
    """The card proved its key; otherwise it only told its UID."""
    pin: str | None = None
    direction: Direction = Direction.ENTRY


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `person_id` is given as soon as it is known who asks, also in a refusal."""

    granted: bool
    reason: Reason
    person_id: UUID | None = None
    notices: tuple[Notice, ...] = ()
    extended_time: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    request: AccessRequest
    entry: PersonEntry
    gate: GatePolicy
    now: datetime
    context: AccessContext | None


def decide(
    request: AccessRequest,
    entry: PersonEntry | None,
    gate: GatePolicy,
    now: datetime,
    context: AccessContext | None = None,
) -> Decision:
    """Decide one pass.

    `entry` is the person the face or the credential led to, None when it led to nobody; with card and face it is the
    card's holder. `now` is aware. Without `context` the directory counts as fresh and rules about other passages are
    left out, as for a question that is only asked to be explained.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("a decision needs an aware time: use datetime.now(UTC)")
    if unrecognised := _check_recognition(request, entry, gate):
        return Decision(granted=False, reason=unrecognised, person_id=_identified_person(request, entry))
    if entry is None:
        unknown = Reason.UNKNOWN_FACE if request.credential is None else Reason.UNKNOWN_CREDENTIAL
        return Decision(granted=False, reason=unknown)

    question = _Question(request, entry, gate, now, context)
    notices: list[Notice] = []
    for finding in _check_in_order(question):
        if isinstance(finding, Reason):
            return Decision(granted=False, reason=finding, person_id=entry.person_id)
        notices.append(finding)
    return Decision(
        granted=True,
        reason=Reason.GRANTED,
        person_id=entry.person_id,
        notices=tuple(dict.fromkeys(notices)),
        extended_time=entry.extended_time,
    )


def required_mode(gate: GatePolicy, now: datetime) -> Mode:
    """Return what the gate asks for at `now`."""
    for rule in gate.mode_rules:
        if gate.is_open(rule.schedule, now):
            return rule.mode
    return gate.mode


def model_of(entry: PersonEntry | None, gate: GatePolicy) -> str | None:
    """Return the model of a person's templates at a gate: no other model's look at their face counts."""
    return gate.model_id if entry is None or entry.model_id is None else entry.model_id


def _check_recognition(request: AccessRequest, entry: PersonEntry | None, gate: GatePolicy) -> Reason | None:
    """Return why nobody was recognised. A card needs no face beside it unless the gate asks for both."""
    if request.credential is not None:
        return Reason.UNKNOWN_CREDENTIAL if entry is None else None
    if request.face is None:
        return Reason.NOTHING_PRESENTED
    if request.face is FaceResult.MATCHED and request.face_model != model_of(entry, gate):
        return Reason.MODEL_MISMATCH
    return _UNMATCHED.get(request.face)


_UNMATCHED = {
    FaceResult.UNKNOWN: Reason.UNKNOWN_FACE,
    FaceResult.AMBIGUOUS: Reason.AMBIGUOUS_FACE,
    FaceResult.SPOOF: Reason.SPOOF,
}


def _identified_person(request: AccessRequest, entry: PersonEntry | None) -> UUID | None:
    """Return the person only when something shown really names one: a card does, an unmatched face does not."""
    if entry is None:
        return None
    return entry.person_id if request.credential is not None or request.face is FaceResult.MATCHED else None


def _check_in_order(question: _Question) -> Iterator[Reason | Notice]:
    """Yield refusals and notices in the fixed order; the caller stops at the first refusal."""
    entry, gate, now, context = question.entry, question.gate, question.now, question.context
    credential = _find_credential(question)
    if question.request.credential is not None:
        if credential is None:
            yield Reason.UNKNOWN_CREDENTIAL
            return
        yield from _check_credential(credential, question)
    if entry.suspended:
        yield Reason.SUSPENDED
    yield from _check_period(entry.valid_from, entry.valid_until, now, Reason.NOT_YET_VALID, Reason.EXPIRED)
    yield from _check_entitlement(question)
    yield from _check_freshness(question)
    yield from _check_mode(question, credential)
    yield from check_curfew(entry, gate, now, question.request.direction)
    if context is None:
        return
    yield from check_anti_passback(entry, gate, now, question.request.direction, context)
    yield from check_occupancy(entry, gate, question.request.direction, context)
    yield from check_first_person(entry, gate, now, context)
    yield from check_two_persons(entry, gate, now, context)


def _find_credential(question: _Question) -> CredentialEntry | None:
    for credential in question.entry.credentials:
        if credential.digest == question.request.credential and credential.kind != "pin":
            return credential
    return None


_STANDING = {
    "lost": Reason.CARD_LOST,
    "suspended": Reason.CARD_SUSPENDED,
    "replaced": Reason.CARD_INACTIVE,
    "returned": Reason.CARD_INACTIVE,
}


def _check_credential(credential: CredentialEntry, question: _Question) -> Iterator[Reason]:
    if credential.status != "active":
        yield _STANDING[credential.status]
    yield from _check_period(
        credential.valid_from,
        credential.valid_until,
        question.now,
        Reason.CREDENTIAL_NOT_YET_VALID,
        Reason.CREDENTIAL_EXPIRED,
    )
    if credential.kind == "card" and not question.request.authenticated and not question.gate.accepts_bare_uid:
        yield Reason.CARD_NOT_AUTHENTICATED


def _check_period(
    start: datetime | None, end: datetime | None, now: datetime, early: Reason, late: Reason
) -> Iterator[Reason]:
    """Yield a refusal outside [start, end)."""
    if start is not None and now < start:
        yield early
    if end is not None and now >= end:
        yield late


def _is_in_period(start: datetime | None, end: datetime | None, now: datetime) -> bool:
    return (start is None or now >= start) and (end is None or now < end)


def _check_entitlement(question: _Question) -> Iterator[Reason]:
    """One rule or grant that holds now is enough; without any, say whether another hour would do."""
    gate, now = question.gate, question.now
    permits: list[Rule | Grant] = [rule for rule in gate.rules if rule.group in question.entry.groups]
    permits += question.entry.grants
    in_date = [permit for permit in permits if _is_in_period(permit.valid_from, permit.valid_until, now)]
    if not in_date:
        yield Reason.NOT_ENTITLED
    elif not any(gate.is_open(permit.schedule, now) for permit in in_date):
        yield Reason.OUTSIDE_SCHEDULE


def _check_freshness(question: _Question) -> Iterator[Reason | Notice]:
    """Trust the directory for a while; beyond that, ask the offline policy.

    An age that is not known – never synchronised, or synchronised in the future by a clock that was set back – counts
    as too old to be trusted, and not yet as too old for anyone.
    """
    if question.context is None:
        return
    synced_at, policy = question.context.synced_at, question.gate.offline
    age = question.now - synced_at if synced_at is not None else None
    if age is not None and timedelta(0) <= age <= policy.trusted_for:
        return
    if age is not None and age > policy.never_after:
        yield Reason.DIRECTORY_STALE
        return
    allowed = {
        Offline.EVERYONE_LISTED: True,
        Offline.GROUPS: bool(set(policy.groups) & set(question.entry.groups)),
        Offline.HOURS: question.gate.is_open(policy.schedule, question.now),
        Offline.NOBODY: False,
    }[policy.beyond]
    yield Notice.STALE_DIRECTORY if allowed else Reason.DIRECTORY_STALE


def _check_mode(question: _Question, credential: CredentialEntry | None) -> Iterator[Reason]:
    mode = required_mode(question.gate, question.now)
    request, has_card = question.request, credential is not None
    if mode is Mode.CARD_AND_FACE and not has_card:
        yield Reason.CARD_REQUIRED
    if mode in {Mode.CARD, Mode.CARD_AND_PIN} and not has_card:
        yield Reason.METHOD_NOT_ALLOWED
    if mode in {Mode.FACE, Mode.FACE_OR_CARD} and not has_card and question.entry.needs_card_and_face:
        yield Reason.CARD_REQUIRED
    if mode is Mode.FACE and request.face is None:
        yield Reason.METHOD_NOT_ALLOWED
    if mode in {Mode.FACE, Mode.CARD_AND_FACE} and has_card:
        yield from _check_card_holder(question)
    if mode is Mode.CARD_AND_PIN and credential is not None:
        yield from _check_pin(question, credential)


def _check_card_holder(question: _Question) -> Iterator[Reason]:
    """Compare 1:1: whoever shows a card and somebody else's face carries somebody else's card."""
    request = question.request
    if request.face is None:
        yield Reason.FACE_REQUIRED
    elif request.face is FaceResult.SPOOF:
        yield Reason.SPOOF
    elif request.face_model != model_of(question.entry, question.gate):
        yield Reason.MODEL_MISMATCH
    elif request.face is not FaceResult.MATCHED:
        yield Reason.FACE_NOT_CARD_HOLDER


def _check_pin(question: _Question, credential: CredentialEntry) -> Iterator[Reason]:
    """Ask for the PIN; a visitor's code is itself a secret and needs none."""
    if credential.kind == "code":
        return
    if question.request.pin is None:
        yield Reason.PIN_REQUIRED
        return
    known = [one for one in question.entry.credentials if one.kind == "pin" and one.status == "active"]
    if not any(one.digest == question.request.pin for one in known):
        yield Reason.PIN_WRONG
