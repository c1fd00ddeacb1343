"""Receipts for erased templates: for the person, and for administrators."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import PERSON_ERRORS, ROLE_ERRORS, AdminDep, PrincipalDep
from accounts.api.disclosures import record_disclosure
from directory import template_receipts
from directory.api.dependencies import Moment, ServicesDep
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import responses

router = APIRouter(prefix="/api/v1/directory", tags=["template receipts"])


class ReceiptOut(BaseModel):
    """One device that held a template when it was erased."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    person_id: UUID
    gate: str
    device_id: UUID
    device: str | None
    device_revoked: bool = Field(description="it cannot confirm any more, and must be wiped by hand")
    revision: int = Field(description="the first revision of the gate's directory without the template")
    removed_at: datetime
    confirmed_at: datetime | None = Field(description="null while the device has not confirmed")
    confirmed_revision: int | None
    model_id: str | None = Field(description="the face model of the template; null: from before it was noted")


class AccountOut(BaseModel):
    """Where a person's template is, and where it no longer is."""

    model_config = ConfigDict(from_attributes=True)

    gates_with_template: list[str]
    outstanding: int = Field(description="devices that have not confirmed yet")
    receipts: list[ReceiptOut]


@router.get("/me/template-receipts", responses=responses(*PERSON_ERRORS))
def own(principal: PrincipalDep, services: ServicesDep) -> AccountOut:
    """Return which gates hold one's own template, and which devices have confirmed that it is gone."""
    with services.database.read() as session:
        return AccountOut.model_validate(template_receipts.whereabouts_of(session, principal.person_id))


@router.get(
    "/people/{person_id}/template-receipts",
    dependencies=[record_disclosure("template_receipts.read", "person:{person_id}")],
    responses=responses(*ROLE_ERRORS),
)
def of_person(person_id: UUID, _admin: AdminDep, services: ServicesDep) -> AccountOut:
    """Return the same of anybody."""
    with services.database.read() as session:
        return AccountOut.model_validate(template_receipts.whereabouts_of(session, person_id))


@router.get(
    "/template-receipts/outstanding",
    dependencies=[record_disclosure("template_receipts.read", "template_receipts:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def outstanding(_admin: AdminDep, services: ServicesDep, page: PageDep) -> Page[ReceiptOut]:
    """List erased templates that some device has not confirmed yet, the oldest first."""
    after = page.after(tuple[Moment, UUID])
    with services.database.read() as session:
        found = template_receipts.find_outstanding(session, after=after, limit=page.limit + 1)
        rows, following = page.cut(found, template_receipts.position_of)
        return Page(items=[ReceiptOut.model_validate(one) for one in rows], next=following)
