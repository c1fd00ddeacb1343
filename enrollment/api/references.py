"""Reference photos of people, handed in by staff: an identity document, or the admission photo."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from accounts import people
from accounts.api.dependencies import OVER_ERRORS, ROLE_ERRORS, AdminDep, NowDep
from accounts.api.disclosures import record_disclosure
from accounts.people import authority
from enrollment import consent, references
from enrollment.api.dependencies import EnrollmentDep
from enrollment.photo_form import FILE_ERRORS, describe_form, read_form
from enrollment.references import NoFaceError, OwnReferenceError, ReferenceSource, UnknownSourceError
from enrollment.tables import TemplateRecord
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/people/{person_id}/reference-photos", tags=["reference photos"])

_SOURCE = {"type": "string", "enum": [source.value for source in ReferenceSource]}


class ReferenceOut(BaseModel):
    """A reference; its picture is not kept."""

    source: ReferenceSource
    model: str
    made_at: datetime

    @classmethod
    def of(cls, record: TemplateRecord) -> "ReferenceOut":
        """Show a template that has a source."""
        return cls.model_validate({"source": record.source, "model": record.model_id, "made_at": record.made_at})


class ComparedOut(BaseModel):
    """How the person's approved photo compares with the new reference; null without an approved photo."""

    similarity: float | None
    same_person: bool | None


class ReferencesOut(BaseModel):
    """A person's references."""

    items: list[ReferenceOut]


class ReferencesWithdrawnOut(BaseModel):
    """How many references were erased."""

    references_erased: int


@router.post(
    "",
    status_code=201,
    openapi_extra=describe_form(source=_SOURCE),
    responses=responses(
        *ROLE_ERRORS,
        *FILE_ERRORS,
        NotFoundError,
        consent.ConsentMissingError,
        NoFaceError,
        OwnReferenceError,
        UnknownSourceError,
    ),
)
async def put(person_id: UUID, request: Request, services: EnrollmentDep, admin: AdminDep, now: NowDep) -> ComparedOut:
    """Hand in a person's reference photo, in the place of an earlier one from the same source.

    Only a sealed template is kept. It opens no gate: the person's photos are compared with it.
    """
    content, texts = await read_form(request)
    source = references.read_source(texts.get("source"))
    compared = await services.run_assessment(
        partial(references.hand_in, services, person_id, content, source, acting=admin, now=now)
    )
    return ComparedOut(similarity=compared.similarity, same_person=compared.same_person)


@router.get(
    "",
    dependencies=[record_disclosure("references.read", "person:{person_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def list_references(person_id: UUID, services: EnrollmentDep, _admin: AdminDep) -> ReferencesOut:
    """Return which references a person has."""
    with services.database.read() as session:
        people.get(session, person_id)
        found = references.find_of_person(session, person_id)
    return ReferencesOut(items=[ReferenceOut.of(one) for one in found if one.source is not None])


@router.delete("", responses=responses(*OVER_ERRORS, NotFoundError))
def withdraw(
    person_id: UUID,
    services: EnrollmentDep,
    admin: AdminDep,
    now: NowDep,
    source: Annotated[ReferenceSource | None, Query(description="only the one from there")] = None,
) -> ReferencesWithdrawnOut:
    """Erase a person's references."""
    with services.database.begin() as session:
        authority.get_to_change(session, admin, person_id)
        erased = references.withdraw(session, person_id, by=admin.actor, now=now, source=source)
    return ReferencesWithdrawnOut(references_erased=erased)
