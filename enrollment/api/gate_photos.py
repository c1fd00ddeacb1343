"""Consent to a second photo taken at a gate: apart from the one to face recognition, and withdrawn apart from it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from enrollment import consent, gate_photos
from enrollment.api.dependencies import EnrollmentDep
from web.client_address import AddressDep
from web.problems import NotFoundError, responses
from web.text import line

router = APIRouter(prefix="/api/v1/me/gate-photo-consent", tags=["consent"])


class GatePhotoConsentIn(BaseModel):
    """Consent to the version of the notice about photos at gates that was shown."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, line(32)]


class GatePhotoConsentOut(BaseModel):
    """Whether a person consents; `version` is the notice in force, null where the campus takes no photos at gates."""

    version: str | None
    given: bool
    given_at: datetime | None


class GatePhotosErasedOut(BaseModel):
    """How many photos taken at gates were erased."""

    photos_erased: int


@router.get("", responses=responses(*PERSON_ERRORS))
def look(services: EnrollmentDep, principal: PrincipalDep) -> GatePhotoConsentOut:
    """Return whether one consents to a second photo taken at a gate."""
    with services.database.read() as session:
        given = gate_photos.find_consent(session, services, principal.person_id)
    return GatePhotoConsentOut(
        version=services.gate_photo_version, given=given is not None, given_at=given.given_at if given else None
    )


@router.put(
    "",
    status_code=204,
    responses=responses(
        *PERSON_ERRORS,
        NotFoundError,
        gate_photos.GatePhotosOffError,
        consent.ConsentVersionError,
        consent.ConsentMissingError,
    ),
)
def give(
    wanted: GatePhotoConsentIn, services: EnrollmentDep, principal: PrincipalDep, address: AddressDep, now: NowDep
) -> None:
    """Consent to it: once, after card and face have opened a gate, a second template may be taken there."""
    evidence = {"channel": "api", "address": address, "sign_in": str(principal.sign_in_id)}
    with services.database.begin() as session:
        gate_photos.give_consent(
            session, services, principal.person_id, wanted.version, evidence, by=principal.actor, now=now
        )


@router.delete("", responses=responses(*PERSON_ERRORS, NotFoundError))
def withdraw(services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> GatePhotosErasedOut:
    """Withdraw it: a photo that a gate took is erased; the first photo, and one handed in, stay."""
    with services.database.begin() as session:
        erased = gate_photos.withdraw_consent(session, principal.person_id, by=principal.actor, now=now)
    return GatePhotosErasedOut(photos_erased=erased)
