"""What enrolment holds about people: everything about one, and how many there are in all."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from accounts.api.dependencies import OVER_ERRORS, PERSON_ERRORS, ROLE_ERRORS, AdminDep, NowDep, PrincipalDep
from accounts.people import authority
from enrollment import data_export, filing, photos
from enrollment.api.dependencies import EnrollmentDep
from web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["enrolment"])


class RegisterOut(BaseModel):
    """How many people have a template, and whether the authority must soon be told."""

    people: int
    filing_due_at: int
    warning: bool


class ErasedOut(BaseModel):
    """How many photos were erased."""

    photos_erased: int


@router.get("/me/face-data", responses=responses(*PERSON_ERRORS))
def own_data(services: EnrollmentDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return everything that enrolment holds about oneself."""
    with services.database.read() as session:
        return data_export.export_person(session, services.sealer, principal.person_id, services.gates)


@router.get("/enrollment/register", responses=responses(*ROLE_ERRORS))
def count(services: EnrollmentDep, _admin: AdminDep) -> RegisterOut:
    """Count distinct people with a template, against the number from which a filing is due."""
    with services.database.read() as session:
        found = filing.count_people(session)
    return RegisterOut(people=found.people, filing_due_at=filing.FILING_DUE_AT, warning=found.warning)


@router.delete("/people/{person_id}/photos", responses=responses(*OVER_ERRORS))
def erase(person_id: UUID, services: EnrollmentDep, admin: AdminDep, now: NowDep) -> ErasedOut:
    """Erase every photo and template of a person."""
    with services.database.begin() as session:
        authority.require(session, admin, person_id)
        erased = photos.withdraw_all(session, person_id, by=admin.actor, now=now, why="erased by an administrator")
    return ErasedOut(photos_erased=erased)
