"""A second photo taken at a gate: after card and face, of somebody who consented to exactly this.

What arrives is a template, with a picture only where the campus keeps pictures. It is held to the rules of any second
photo, and stands without a reviewer: it must agree with a first photo that one has seen, and goes with it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit, people
from database import new_id
from enrollment import consent, decisions, lifecycle, notices, photo_pairs, photos, templates, upload
from enrollment.photo import UnreadablePhotoError, decode, encode_jpeg, encode_thumbnail
from enrollment.services import EnrollmentServices
from enrollment.tables import (
    Consent,
    ConsentPurpose,
    PhotoRecord,
    PhotoSlot,
    PhotoSource,
    PhotoState,
    TemplateState,
)
from models.template import Template, TemplateError
from web.problems import ProblemError


class NotWanted(StrEnum):
    """Why a gate takes no second photo of somebody."""

    OFF = "off"
    ANOTHER_MODEL = "another_model"
    NO_CONSENT = "no_consent"
    NO_FIRST_PHOTO = "no_first_photo"
    SECOND_THERE = "second_there"


class GatePhotosOffError(ProblemError):
    """This campus takes no photos at its gates."""

    code = "gate_photos_off"
    status = 409
    title = "This campus takes no photos at its gates"


class GatePhotoNotWantedError(ProblemError):
    """No photo of this person is wanted from a gate; `reason` says why."""

    code = "gate_photo_not_wanted"
    status = 409
    title = "No photo of this person is taken at a gate: without consent to it, or not beside what is there"


class GatePhotoLikeAnotherError(ProblemError):
    """The face is like another account's: only a photo that a reviewer looks at could settle that."""

    code = "gate_photo_like_another"
    status = 409
    title = "The face is like another account's: the person may hand in a photo for a reviewer"


class GatePhotoUnreadableError(ValueError):
    """What a gate sent is no template of the model that was asked for, or its picture cannot be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePhoto:
    """What a gate sent of one face."""

    template: Template
    picture: bytes | None
    """JPEG of head and shoulders, where the campus keeps pictures."""
    measured: Mapping[str, float]
    """How good the view was: degrees, pixels, shares."""


def read(
    services: EnrollmentServices,
    template: bytes,
    picture: bytes | None,
    *,
    model_id: str,
    measured: Mapping[str, float],
) -> GatePhoto:
    """Read what a gate sent: a template as `models.template` writes it, and perhaps a picture.

    Raises:
        GatePhotoUnreadableError: it is no template of `model_id`, or the picture cannot be opened.
    """
    try:
        found = Template.from_bytes(template)
        if picture is not None:
            decode(picture)
    except (TemplateError, UnreadablePhotoError) as error:
        raise GatePhotoUnreadableError(str(error)) from error
    if found.model_id != model_id:
        raise GatePhotoUnreadableError(f"the template is of model {found.model_id!r}, not of {model_id!r}")
    for engine in (services.engine, *services.further_engines):
        if engine.model_id == model_id and found.vector.size != engine.dimension:
            raise GatePhotoUnreadableError(f"a template of {model_id!r} has {engine.dimension} numbers")
    return GatePhoto(template=found, picture=picture, measured=measured)


def find_obstacle(
    session: Session, services: EnrollmentServices, person_id: UUID, model_id: str, *, now: datetime
) -> NotWanted | None:
    """Return why no second photo of a person is taken at a gate, None when one is wanted.

    Raises:
        NotFoundError, accounts.people.AccountNotUsableError: there is no such person, or the account is not in use.
    """
    if services.gate_photo_version is None:
        return NotWanted.OFF
    if all(model_id != engine.model_id for engine in (services.engine, *services.further_engines)):
        return NotWanted.ANOTHER_MODEL
    people.require_usable(people.get(session, person_id), now)
    if find_consent(session, services, person_id) is None:
        return NotWanted.NO_CONSENT
    if photo_pairs.find_first(session, person_id) is None:
        return NotWanted.NO_FIRST_PHOTO
    second = photos.find_in_state(session, person_id, *photo_pairs.STANDING, slot=PhotoSlot.SECOND)
    return NotWanted.SECOND_THERE if second else None


def find_consent(session: Session, services: EnrollmentServices, person_id: UUID) -> Consent | None:
    """Return a person's consent to a photo at a gate; None unless it and that to face recognition are in force."""
    face = consent.find_current(session, person_id)
    if face is None or face.version != services.consent_version:
        return None
    own = consent.find_current(session, person_id, ConsentPurpose.GATE_PHOTO)
    return own if own is not None and own.version == services.gate_photo_version else None


def give_consent(
    session: Session,
    services: EnrollmentServices,
    person_id: UUID,
    version: str,
    evidence: dict[str, Any],
    *,
    by: str,
    now: datetime,
) -> None:
    """Record a person's consent to a second photo taken at a gate; consent to it that stands already stays.

    Raises:
        GatePhotosOffError: the campus takes none.
        consent.ConsentVersionError: `version` is not the one in force.
        consent.ConsentMissingError: they do not consent to face recognition.
    """
    if services.gate_photo_version is None:
        raise GatePhotosOffError
    if version != services.gate_photo_version:
        raise consent.ConsentVersionError(version=services.gate_photo_version)
    people.get(session, person_id, lock=True)
    consent.require(session, person_id, services.consent_version)
    if find_consent(session, services, person_id) is not None:
        return
    given = Consent(
        id=new_id(),
        person_id=person_id,
        purpose=ConsentPurpose.GATE_PHOTO,
        version=version,
        given_at=now,
        evidence=evidence,
    )
    session.add(given)
    session.flush()
    subject, details = f"person:{person_id}", {"consent": str(given.id), "version": version}
    audit.record(session, actor=by, action="gate_photo_consent.give", subject=subject, now=now, details=details)


def withdraw_consent(session: Session, person_id: UUID, *, by: str, now: datetime) -> int:
    """Withdraw a person's consent to it: a photo that a gate took is erased; return how many there were."""
    people.get(session, person_id, lock=True)
    for given in consent.find_all(session, person_id):
        if given.purpose == ConsentPurpose.GATE_PHOTO and given.withdrawn_at is None:
            given.withdrawn_at = now
            subject, details = f"person:{person_id}", {"consent": str(given.id)}
            audit.record(
                session, actor=by, action="gate_photo_consent.withdraw", subject=subject, now=now, details=details
            )
    taken = [
        photo
        for photo in photos.find_of_person(session, person_id)
        if photo.source == PhotoSource.GATE and photo.state != PhotoState.WITHDRAWN
    ]
    for photo in taken:
        photos.withdraw(session, photo, by=by, now=now, why="consent to photos at gates withdrawn")
    return len(taken)


def put(
    session: Session,
    services: EnrollmentServices,
    person_id: UUID,
    taken: GatePhoto,
    *,
    by: str,
    where: str,
    now: datetime,
) -> PhotoRecord:
    """Let a photo taken at a gate (titled `where`) stand beside the person's first one, and tell them.

    Raises:
        GatePhotoNotWantedError: the person has not consented, has no first photo, or a second one already.
        NotFoundError, accounts.people.AccountNotUsableError: as `find_obstacle`.
        photo_pairs.PhotosDisagreeError, photo_pairs.SamePhotoError: it is not like the first, or the same picture.
        GatePhotoLikeAnotherError: it is like somebody else's.
        enrollment.photo.UnreadablePhotoError: the picture cannot be opened.
    """
    people.get(session, person_id, lock=True)
    obstacle = find_obstacle(session, services, person_id, taken.template.model_id, now=now)
    if obstacle is not None:
        raise GatePhotoNotWantedError(reason=obstacle.value)
    identity = upload.identify(
        session,
        services.sealer,
        person_id,
        [taken.template],
        models=services.compared_models,
        slot=PhotoSlot.SECOND,
    )
    assert identity is not None  # noqa: S101 - the template is of a model that is compared
    photo = PhotoRecord(
        id=new_id(),
        person_id=person_id,
        slot=PhotoSlot.SECOND,
        source=PhotoSource.GATE,
        state=PhotoState.UPLOADED,
        digest=hashlib.sha256(taken.template.to_bytes()).hexdigest(),
        report={"rules": [], "geometry": None, "gate": {"where": where, **taken.measured}},
        identity=identity.to_json(),
        uploaded_at=now,
    )
    photo_pairs.require_agreement(photo, photo_pairs.require_first(session, person_id))
    if identity.duplicates:
        raise GatePhotoLikeAnotherError
    session.add(photo)
    lifecycle.step(session, photo, PhotoState.CHECKED, by=by, now=now, why={"person": str(person_id)})
    _keep_picture(session, services, photo, taken.picture)
    templates.store(
        session,
        services.sealer,
        person_id,
        taken.template,
        at=now,
        photo_id=photo.id,
        state=TemplateState.CANDIDATE,
    )
    session.flush()
    decisions.approve(session, photo, by=by, now=now)
    notices.write_gate_photo_taken(session, person_id, where=where, now=now)
    return photo


def _keep_picture(session: Session, services: EnrollmentServices, photo: PhotoRecord, picture: bytes | None) -> None:
    """Keep the picture as any other: opened within limits, without metadata, sealed."""
    if picture is None or not services.keep_pictures:
        return
    image = decode(picture).image
    thumbnail = encode_thumbnail(image) if services.with_thumbnails else None
    photos.store_pictures(session, services.sealer, photo.id, encode_jpeg(image), thumbnail)
