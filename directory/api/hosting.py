"""Visitor passes that a signed-in person gives by themselves, for gates that they may pass."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from accounts.people import InvalidPersonError
from directory import visitor_hosting, visitor_passes
from directory.api.dependencies import Moment, ServicesDep
from directory.visitor_hosting import HostedPass, Invitation
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Line, Slug

router = APIRouter(prefix="/api/v1/directory/me", tags=["passes"])


class HostedGate(BaseModel):
    """A gate to which one may invite."""

    name: str
    title: str


class HostingOut(BaseModel):
    """Whether one may invite visitors, where, and how many passes are not over."""

    allowed: bool
    gates: list[HostedGate]
    open_passes: int
    most_open: int


class InvitationIn(BaseModel):
    """Who comes, what for, through which gates and when."""

    model_config = ConfigDict(extra="forbid")

    visitor: Line
    purpose: Annotated[str, Field(max_length=200)] = ""
    gates: Annotated[list[Slug], Field(min_length=1, max_length=100)]
    valid_from: Moment
    valid_until: Moment


class HostedPassOut(BaseModel):
    """A pass one has given; the code, which opens the gates, is null once it is over or ended."""

    id: UUID
    visitor: str
    purpose: str
    gates: list[str]
    valid_from: datetime
    valid_until: datetime
    state: str = Field(description="`coming`, `valid`, `over` or `ended`")
    code: str | None

    @classmethod
    def of(cls, one: HostedPass, now: datetime) -> "HostedPassOut":
        """Show a pass."""
        row = one.row
        return cls(
            id=row.id,
            visitor=one.visitor,
            purpose=row.purpose,
            gates=row.gates,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            state=one.state(now),
            code=one.code,
        )


@router.get("/hosting", responses=responses(*PERSON_ERRORS))
def get_hosting(me: PrincipalDep, services: ServicesDep, now: NowDep) -> HostingOut:
    """Say whether one may invite visitors, and to which gates."""
    with services.database.read() as session:
        allowed = visitor_hosting.may_host(session, services, me.person_id, now)
        gates = visitor_hosting.find_gates(session, services, me.person_id, now) if allowed else []
        return HostingOut(
            allowed=allowed,
            gates=[HostedGate(name=gate.name, title=gate.title) for gate in gates],
            open_passes=visitor_hosting.count_open(session, me.person_id, now),
            most_open=services.hosting.most_open,
        )


@router.get("/visitor-passes", responses=responses(*PERSON_ERRORS, InvalidCursorError, NotFoundError))
def list_my_visitor_passes(me: PrincipalDep, services: ServicesDep, now: NowDep, page: PageDep) -> Page[HostedPassOut]:
    """List the passes one has given, the newest first."""
    with services.database.read() as session:
        found = visitor_hosting.find_of_host(
            session, services, me.person_id, now, before=page.after(UUID), limit=page.limit + 1
        )
        shown, following = page.cut(found, lambda one: one.row.id)
        return Page(items=[HostedPassOut.of(one, now) for one in shown], next=following)


@router.put(
    "/visitor-passes/{pass_id}",
    responses=responses(
        *PERSON_ERRORS,
        NotFoundError,
        visitor_hosting.HostingNotAllowedError,
        visitor_hosting.GateNotHostedError,
        visitor_hosting.HostedPeriodError,
        visitor_hosting.TooManyPassesError,
        visitor_passes.PassPeriodError,
        InvalidPersonError,
    ),
)
def give_visitor_pass(
    pass_id: UUID, me: PrincipalDep, services: ServicesDep, now: NowDep, body: InvitationIn
) -> HostedPassOut:
    """Give a visitor a pass under an id that the caller made; the same id again is the same pass."""
    wanted = Invitation(
        id=pass_id,
        visitor=body.visitor,
        purpose=body.purpose.strip(),
        gates=tuple(sorted(set(body.gates))),
        valid_from=body.valid_from,
        valid_until=body.valid_until,
    )
    with services.database.begin() as session:
        visitor_hosting.invite(session, services, wanted, host_id=me.person_id, by=me.actor, now=now)
        return HostedPassOut.of(visitor_hosting.get_of_host(session, services, pass_id, me.person_id, now), now)


@router.get("/visitor-passes/{pass_id}", responses=responses(*PERSON_ERRORS, NotFoundError))
def get_my_visitor_pass(pass_id: UUID, me: PrincipalDep, services: ServicesDep, now: NowDep) -> HostedPassOut:
    """Show a pass one has given, with its code while it is good."""
    with services.database.read() as session:
        return HostedPassOut.of(visitor_hosting.get_of_host(session, services, pass_id, me.person_id, now), now)


@router.post("/visitor-passes/{pass_id}/end", responses=responses(*PERSON_ERRORS, NotFoundError))
def end_my_visitor_pass(pass_id: UUID, me: PrincipalDep, services: ServicesDep, now: NowDep) -> HostedPassOut:
    """End a pass one has given; every gate forgets it within moments."""
    with services.database.begin() as session:
        visitor_hosting.end(session, pass_id, me.person_id, by=me.actor, now=now)
        return HostedPassOut.of(visitor_hosting.get_of_host(session, services, pass_id, me.person_id, now), now)
