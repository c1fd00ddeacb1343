"""Visitor passes, and what gates must heed about a person."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import OVER_ERRORS, PERSON_ERRORS, ROLE_ERRORS, FacilitiesDep, NowDep, PrincipalDep
from accounts.api.disclosures import record_disclosure
from accounts.people import authority
from directory import look_alikes, people, visitor_passes
from directory.api.dependencies import Moment, ServicesDep
from directory.tables import VisitorPass
from web import tickets
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Slug
from web.tickets import TicketDep

router = APIRouter(prefix="/api/v1/directory")

TICKET = "pass"
"""The action of a ticket by which a pass is issued or ended: it opens doors."""


class PassIn(BaseModel):
    """A pass for some gates and hours."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    gates: Annotated[list[Slug], Field(min_length=1, max_length=100)]
    valid_from: Moment
    valid_until: Moment
    with_code: bool = True
    digits_only: bool = Field(default=False, description="The code can be typed on a keypad without letters")


class PassOut(BaseModel):
    """A pass, without its code."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    person_id: UUID
    gates: list[str]
    valid_from: datetime
    valid_until: datetime
    issued_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, one: VisitorPass) -> "PassOut":
        """Show a pass."""
        return cls.model_validate(one)


class PassWithCode(PassOut):
    """A new pass with its code, which is shown this once; null when it has none."""

    code: str | None


class NeedsIn(BaseModel):
    """What gates must heed; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    needs_card_and_face: bool | None = None
    extended_time: bool | None = None


class NeedsOut(BaseModel):
    """What gates heed about a person."""

    person_id: UUID
    needs_card_and_face: bool
    extended_time: bool
    look_alikes: int = Field(description="People a gate could take for them; above 0 the card is needed as well")


class PinIn(BaseModel):
    """A PIN, or null to have none."""

    model_config = ConfigDict(extra="forbid")

    pin: Annotated[str, Field(max_length=8)] | None


@router.get(
    "/passes",
    dependencies=[record_disclosure("passes.read", "passes:list")],
    tags=["passes"],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_passes(
    _staff: FacilitiesDep, services: ServicesDep, page: PageDep, person_id: UUID | None = None
) -> Page[PassOut]:
    """List visitor passes, the oldest first."""
    with services.database.read() as session:
        found = visitor_passes.find(session, person_id=person_id, after=page.after(UUID), limit=page.limit + 1)
        rows, following = page.cut(found, lambda one: one.id)
        return Page(items=[PassOut.of(one) for one in rows], next=following)


@router.post(
    "/passes",
    tags=["passes"],
    status_code=201,
    responses=responses(*OVER_ERRORS, *tickets.ERRORS, NotFoundError, visitor_passes.PassPeriodError),
)
def issue_pass(
    staff: FacilitiesDep, services: ServicesDep, now: NowDep, ticket: TicketDep, body: PassIn
) -> PassWithCode:
    """Issue a visitor pass; its code, if it has one, is shown this once. With a ticket for `pass`."""
    with services.database.begin() as session:
        authority.require(session, staff, body.person_id)
        ticket.redeem(staff.person_id, TICKET)
        one, code = visitor_passes.issue(
            session, **body.model_dump(), credential_key=services.credential_key, by=staff.actor, now=now
        )
        return PassWithCode(**PassOut.of(one).model_dump(), code=code)


@router.post(
    "/passes/{pass_id}/end", tags=["passes"], responses=responses(*OVER_ERRORS, *tickets.ERRORS, NotFoundError)
)
def end_pass(pass_id: UUID, staff: FacilitiesDep, services: ServicesDep, now: NowDep, ticket: TicketDep) -> PassOut:
    """End a pass early; every gate forgets it within moments. With a ticket for `pass`."""
    with services.database.begin() as session:
        authority.require(session, staff, visitor_passes.get(session, pass_id).person_id)
        ticket.redeem(staff.person_id, TICKET)
        return PassOut.of(visitor_passes.end(session, pass_id, by=staff.actor, now=now))


@router.put("/people/{person_id}/needs", tags=["gates"], responses=responses(*OVER_ERRORS, NotFoundError))
def put_needs(person_id: UUID, staff: FacilitiesDep, services: ServicesDep, now: NowDep, body: NeedsIn) -> NeedsOut:
    """Say what gates must heed: a look-alike (card and face), more time at the door."""
    with services.database.begin() as session:
        authority.require(session, staff, person_id)
        extra = people.set_needs(session, person_id, **body.model_dump(), by=staff.actor, now=now)
        return NeedsOut(
            person_id=person_id,
            needs_card_and_face=extra.needs_card_and_face,
            extended_time=extra.extended_time,
            look_alikes=look_alikes.count_pairs(session, person_id),
        )


@router.put(
    "/me/pin",
    tags=["gates"],
    status_code=204,
    responses=responses(*PERSON_ERRORS, NotFoundError, people.InvalidPinError),
)
def put_my_pin(principal: PrincipalDep, services: ServicesDep, now: NowDep, body: PinIn) -> None:
    """Choose the PIN for gates that ask for card and PIN, or take it away."""
    with services.database.begin() as session:
        people.set_pin(
            session,
            principal.person_id,
            body.pin,
            credential_key=services.credential_key,
            by=principal.actor,
            now=now,
        )
