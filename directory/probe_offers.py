"""Offers for a second photo from a gate: opened for one person at one gate, used once, gone after a minute.

Nothing of a face leaves a gate before an offer is open. Of a person at most one is open at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from access.probe_offer import (
    Binding,
    ProbeAnswer,
    ProbeOffer,
    ProbeRequest,
    ProbeSealError,
    SealedProbe,
    ViewQuality,
    generate_keys,
    open_probe,
)
from accounts import audit, people
from accounts.principals import DevicePrincipal
from database import Sealer, new_id
from database.resealing import SealedColumn
from directory import gates, listed_people
from directory.tables import ProbeOfferRecord
from enrollment import gate_photos
from enrollment.gate_photos import GatePhoto, GatePhotoUnreadableError, NotWanted
from enrollment.services import EnrollmentServices
from web.problems import ProblemError

OFFER_LASTS = timedelta(seconds=60)
"""From the question to the probe: two requests over a slow line."""
FRESH = timedelta(minutes=2)
"""How old a passage may be of which an edge speaks: it asks at once or not at all."""
CLOCKS_APART = timedelta(seconds=10)
AFTER_REFUSAL = timedelta(days=1)
"""Between a probe that was refused and the next offer: tomorrow's light is another."""
_KEPT = timedelta(days=30)
_OFFER_OPEN, _REFUSED_BEFORE, _NOT_HERE, _LONG_AGO = "offer_open", "refused_before", "not_at_this_gate", "long_ago"

_HOUR, _DAY = 3600, 86_400
ASK_AGAIN_S: Mapping[str, int] = MappingProxyType(
    {
        NotWanted.OFF: _HOUR,
        NotWanted.ANOTHER_MODEL: _DAY,
        NotWanted.NO_CONSENT: 6 * _HOUR,
        NotWanted.NO_FIRST_PHOTO: _DAY,
        NotWanted.SECOND_THERE: _DAY,
        _OFFER_OPEN: int(OFFER_LASTS.total_seconds()),
        _REFUSED_BEFORE: _DAY,
    }
)
"""So that a gate does not ask about the same person at each passage; a new consent works within hours."""

MOST_YAW = MOST_PITCH = 20.0
"""Degrees, as a photo that is handed in (`docs/photo-rules.md`) may be turned."""
LEAST_EYE_DISTANCE = 35.0
"""Pixels: what the embedder sees of a face; smaller ones are enlarged."""
LEAST_SHARPNESS = 0.02
"""Twice what is asked of a frame that votes."""
LEAST_FRAMES = 3


class ProbeOfferUnknownError(ProblemError):
    """It was used, is out of date, or was opened for another gate or device."""

    code = "probe_offer_unknown"
    status = 404
    title = "There is no such open offer: it was used, is out of date, or is another gate's"


class ProbeRefusedError(ProblemError):
    """A question that no honest edge asks: about somebody who may not pass there, or about long ago."""

    code = "probe_not_possible"
    status = 409
    title = "No probe of this person can be offered by this gate now"


class ProbeUnreadableError(ProblemError):
    """It cannot be opened with the offer's key, or is no template of the offer's model."""

    code = "probe_unreadable"
    status = 422
    title = "The probe cannot be read"


class ProbePoorError(ProblemError):
    """The face was turned away, small, blurred or seen too shortly."""

    code = "probe_poor"
    status = 422
    title = "The face was not seen well enough for a template"


@dataclass(frozen=True, slots=True)
class TakenOffer:
    """An offer that is used up, with the private key that opens its probe."""

    binding: Binding
    private_key: bytes


def open_offer(
    session: Session, services: EnrollmentServices, gate: str, device_id: UUID, asked: ProbeRequest, *, now: datetime
) -> ProbeAnswer:
    """Open an offer for a probe of a person, or say why none is wanted.

    Raises:
        ProbeRefusedError: the gate does not know the person, or speaks of long ago.
        NotFoundError, accounts.people.AccountNotUsableError: there is no such person, or the account is not in use.
    """
    if services.gate_photo_version is None:
        return _refuse(NotWanted.OFF)
    if not -CLOCKS_APART <= now - asked.at <= FRESH:
        raise ProbeRefusedError(reason=_LONG_AGO)
    if gate not in listed_people.find_gates(session, asked.person_id):
        raise ProbeRefusedError(reason=_NOT_HERE)
    people.get(session, asked.person_id, lock=True)
    obstacle = gate_photos.find_obstacle(session, services, asked.person_id, asked.model_id, now=now)
    if obstacle is not None:
        return _refuse(obstacle)
    session.execute(delete(ProbeOfferRecord).where(ProbeOfferRecord.until < now - _KEPT))
    record = session.get(ProbeOfferRecord, asked.person_id)
    if record is None:
        record = ProbeOfferRecord(person_id=asked.person_id)
        session.add(record)
    elif record.sealed_key is not None and record.until > now:
        return _refuse(_OFFER_OPEN)
    elif record.not_before is not None and record.not_before > now:
        return _refuse(_REFUSED_BEFORE)
    private, public = generate_keys()
    record.offer_id, record.gate, record.device_id, record.model_id = new_id(), gate, device_id, asked.model_id
    record.sealed_key = services.sealer.seal(private, _context(record.offer_id))
    record.until, record.not_before = now + OFFER_LASTS, None
    session.flush()
    offer = ProbeOffer(
        offer_id=record.offer_id, public_key=public, with_picture=services.keep_pictures, until=record.until
    )
    return ProbeAnswer(offer=offer)


def ask(
    services: EnrollmentServices, gate: str, device: DevicePrincipal, asked: ProbeRequest, *, now: datetime
) -> ProbeAnswer:
    """Answer an edge, as `open_offer`; what no honest one asks is audited.

    Raises:
        ProblemError: as `open_offer`.
    """
    try:
        with services.database.begin() as session:
            return open_offer(session, services, gate, device.device_id, asked, now=now)
    except ProblemError as error:
        with services.database.begin() as session:
            record_refusal(session, device, gate, error, now=now)
        raise


def take_probe(
    services: EnrollmentServices,
    gate: str,
    device: DevicePrincipal,
    offer_id: UUID,
    sent: SealedProbe,
    *,
    now: datetime,
) -> None:
    """Take the probe of an open offer: the second photo of its person from now on, or refused, audited, and forgotten.

    The offer is used up whatever becomes of its probe.

    Raises:
        ProbeOfferUnknownError, ProbeUnreadableError, ProbePoorError: as they say.
        ProblemError: as `enrollment.gate_photos.put`.
    """
    with services.database.begin() as session:
        offer = _use_up(session, services.sealer, offer_id, gate, device.device_id, now=now)
    try:
        if offer is None:
            raise ProbeOfferUnknownError
        taken = _read(services, offer, sent)
        with services.database.begin() as session:
            title, person_id = gates.get(session, gate).title, offer.binding.person_id
            gate_photos.put(session, services, person_id, taken, by=device.actor, where=title, now=now)
    except ProblemError as error:
        person = None if offer is None else offer.binding.person_id
        with services.database.begin() as session:
            if person is not None:
                session.get_one(ProbeOfferRecord, person).not_before = now + AFTER_REFUSAL
            record_refusal(session, device, gate, error, person_id=person, now=now)
        raise


def record_refusal(
    session: Session,
    device: DevicePrincipal,
    gate: str,
    error: ProblemError,
    *,
    person_id: UUID | None = None,
    now: datetime,
) -> None:
    """Note in the audit trail that what a gate offered was refused, and why."""
    subject = f"gate:{gate}" if person_id is None else f"person:{person_id}"
    details: dict[str, Any] = {"gate": gate, "why": error.code}
    audit.record(session, actor=device.actor, action="gate_photo.refused", subject=subject, now=now, details=details)


def _use_up(
    session: Session, sealer: Sealer, offer_id: UUID, gate: str, device_id: UUID, *, now: datetime
) -> TakenOffer | None:
    query = select(ProbeOfferRecord).where(ProbeOfferRecord.offer_id == offer_id).with_for_update()
    record = session.scalars(query).first()
    if record is None or record.sealed_key is None or (record.gate, record.device_id) != (gate, device_id):
        return None
    key, record.sealed_key = sealer.open(record.sealed_key, _context(offer_id)), None
    if record.until <= now:
        return None
    binding = Binding(gate=gate, offer_id=offer_id, person_id=record.person_id, model_id=record.model_id)
    return TakenOffer(binding, key)


def _read(services: EnrollmentServices, offer: TakenOffer, sent: SealedProbe) -> GatePhoto:
    if _is_poor(sent.quality):
        raise ProbePoorError
    try:
        content = open_probe(sent.sealed, offer.private_key, offer.binding)
        return gate_photos.read(
            services,
            content.template,
            content.picture,
            model_id=offer.binding.model_id,
            measured=sent.quality.model_dump(),
        )
    except (ProbeSealError, GatePhotoUnreadableError) as error:
        raise ProbeUnreadableError from error


def _is_poor(seen: ViewQuality) -> bool:
    return (
        abs(seen.yaw) > MOST_YAW
        or abs(seen.pitch) > MOST_PITCH
        or seen.inter_eye_distance < LEAST_EYE_DISTANCE
        or seen.sharpness < LEAST_SHARPNESS
        or seen.frames < LEAST_FRAMES
    )


def _refuse(why: str) -> ProbeAnswer:
    return ProbeAnswer(not_wanted=str(why), ask_again_s=ASK_AGAIN_S[why])


def _context(offer_id: UUID) -> bytes:
    return b"probe offer:" + offer_id.bytes


SEALED = (SealedColumn(ProbeOfferRecord.offer_id, ProbeOfferRecord.sealed_key, _context),)
"""What is kept sealed here: a change of keys must go through it."""
