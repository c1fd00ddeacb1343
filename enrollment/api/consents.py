"""Consent to face recognition: give, look at, withdraw."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from enrollment import consent
from enrollment.api.dependencies import EnrollmentDep
from web.client_address import AddressDep
from web.problems import NotFoundError, responses
from web.text import line

router = APIRouter(prefix="/api/v1/me/face-consent", tags=["consent"])


class ConsentIn(BaseModel):
    """Consent to the version of the notice that was shown."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, line(32)]


class ConsentOut(BaseModel):
    """Whether and since when a person consents; `version` is the notice in force."""

    version: str
    given: bool
    given_version: str | None
    given_at: datetime | None
    refused: bool = Field(description="the person said no to this version: do not ask them for it again")


class ConsentWithdrawnOut(BaseModel):
    """How many photos were erased."""

    photos_erased: int


@router.get("", responses=responses(*PERSON_ERRORS))
def look(services: EnrollmentDep, principal: PrincipalDep) -> ConsentOut:
    """Return one's own consent."""
    with services.database.read() as session:
        found = consent.find_current(session, principal.person_id)
        refused = consent.has_refused(session, principal.person_id, services.consent_version)
    given = found is not None and found.version == services.consent_version
    return ConsentOut(
        version=services.consent_version,
        given=given,
        given_version=found.version if found else None,
        given_at=found.given_at if found else None,
        refused=refused,
    )


@router.put("", responses=responses(*PERSON_ERRORS, consent.ConsentVersionError))
def give(
    wanted: ConsentIn, services: EnrollmentDep, principal: PrincipalDep, address: AddressDep, now: NowDep
) -> ConsentOut:
    """Consent to the notice in force."""
    evidence = {"channel": "api", "address": address, "sign_in": str(principal.sign_in_id)}
    with services.database.begin() as session:
        given = consent.give(
            session,
            principal.person_id,
            wanted.version,
            evidence,
            present=services.consent_version,
            by=principal.actor,
            now=now,
        )
        return ConsentOut(
            version=services.consent_version,
            given=True,
            given_version=given.version,
            given_at=given.given_at,
            refused=False,
        )


@router.put(
    "/refusal",
    status_code=204,
    responses=responses(*PERSON_ERRORS, NotFoundError, consent.ConsentVersionError, consent.ConsentStandsError),
)
def refuse(
    wanted: ConsentIn, services: EnrollmentDep, principal: PrincipalDep, address: AddressDep, now: NowDep
) -> None:
    """Say no to the notice in force: nothing else changes, and the person is not asked again."""
    evidence = {"channel": "api", "address": address, "sign_in": str(principal.sign_in_id)}
    with services.database.begin() as session:
        consent.refuse(
            session,
            principal.person_id,
            wanted.version,
            evidence,
            present=services.consent_version,
            by=principal.actor,
            now=now,
        )


@router.delete("", responses=responses(*PERSON_ERRORS, NotFoundError))
def withdraw(services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> ConsentWithdrawnOut:
    """Withdraw consent: photos and templates are erased here and at every gate; card and code go on working."""
    with services.database.begin() as session:
        return ConsentWithdrawnOut(
            photos_erased=consent.withdraw(session, principal.person_id, by=principal.actor, now=now)
        )
