"""Visitor passes, for staff: which there are, giving one to somebody, ending one early."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from accounts import audit, people
from accounts.people import authority
from console import qr
from console.dependencies import ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.forms import FormKey, read_moment
from console.pages.administration.rendering import render_administration
from console.rendering import done, forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.actors import name_actors
from database import new_id
from directory import gates, visitor_passes
from web.paging import PageRequest
from web.problems import ProblemError
from web.tickets import FormTicketDep

router = APIRouter(
    prefix="/console/administration/passes", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

TICKET = "pass"
"""The action of a ticket by which a pass is given or ended, as at the API."""

_PAGE = 50
Text = Annotated[str, Form(max_length=100)]


@router.get(
    "",
    dependencies=[record_disclosure("passes.read", "passes:list")],
    response_class=HTMLResponse,
    name="administration_passes_page",
)
def show(
    request: Request,
    _staff: StaffDep,
    services: ServicesDep,
    *,
    which: Annotated[str, Query(max_length=10)] = "valid",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """List passes, the newest first: those that are or will be valid, or all."""
    return _render_list(request, services, which=which, cursor=cursor)


@router.get("/new", response_class=HTMLResponse, name="administration_new_pass_page")
def show_new(request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show the form of a new pass: until this evening by default."""
    begins = services.now().astimezone(services.zone).replace(second=0, microsecond=0)
    ends = max(begins.replace(hour=22, minute=0), begins + timedelta(hours=2))
    typed = {"valid_from": f"{begins:%Y-%m-%dT%H:%M}", "valid_until": f"{ends:%Y-%m-%dT%H:%M}", "code": "letters"}
    return _render_new(request, services, typed, [])


@router.post("/new", response_class=HTMLResponse, name="administration_give_pass")
def give(
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    ticket: FormTicketDep,
    number: Text = "",
    gate: Annotated[list[str], Form(max_length=100)] = [],  # noqa: B006 - FastAPI copies it
    valid_from: Text = "",
    valid_until: Text = "",
    code: Text = "letters",
    key: FormKey = None,
) -> HTMLResponse:
    """Give a pass, and show its code this once."""
    typed = {"number": number.strip(), "valid_from": valid_from, "valid_until": valid_until, "code": code}
    problems: dict[str, str] = {}
    begins, ends = (_read_moment(typed, place, services, problems) for place in ("valid_from", "valid_until"))
    if not gate:
        problems["gate"] = "administration.problem.no_gate"
    with services.database.read() as session:
        person = people.by_number(session, typed["number"]) if typed["number"] else None
    if person is None:
        problems["number"] = "administration.problem.nobody"
    if problems or begins is None or ends is None or person is None:
        return _render_new(request, services, typed, gate, problems=problems, status=422)

    def write() -> tuple[str, str]:
        with services.database.begin() as session:
            authority.require(session, staff, person.id)
            ticket.redeem(staff.person_id, TICKET)
            made, code_made = visitor_passes.issue(
                session,
                person_id=person.id,
                gates=gate,
                valid_from=begins,
                valid_until=ends,
                with_code=code != "none",
                digits_only=code == "digits",
                credential_key=services.directory.credential_key,
                by=audit.person_actor(staff.person_id),
                now=services.now(),
            )
            return str(made.id), code_made or ""

    try:
        pass_id, secret = services.shown_once.make(staff.person_id, key, (*typed.values(), *gate), write)
    except ProblemError as error:
        place = "valid_until" if isinstance(error, visitor_passes.PassPeriodError) else "form"
        problems = {place: f"problem.{error.code}"}
        return _render_new(request, services, typed, gate, problems=problems, status=error.status)
    with services.database.read() as session:
        one = visitor_passes.get(session, UUID(pass_id))
        titles = [gates.get(session, name).title for name in one.gates]
    return render_administration(
        request,
        "administration/pass_code.html",
        status=201,
        person=person,
        visitor_pass=one,
        gates=titles,
        code=secret or None,
        drawn=qr.draw(secret) if secret else None,
    )


@router.get(
    "/{pass_id}/end",
    dependencies=[record_disclosure("passes.read", "pass:{pass_id}")],
    response_class=HTMLResponse,
    name="administration_end_pass_page",
)
def ask_to_end(pass_id: UUID, request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Ask before a pass is ended."""
    return _render_end(request, services, pass_id)


@router.post("/{pass_id}/end", response_class=HTMLResponse, name="administration_end_pass")
def end(
    pass_id: UUID,
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    ticket: FormTicketDep,
) -> Response:
    """End a pass early; every gate forgets it within moments."""
    try:
        with services.database.begin() as session:
            authority.require(session, staff, visitor_passes.get(session, pass_id).person_id)
            ticket.redeem(staff.person_id, TICKET)
            visitor_passes.end(session, pass_id, by=audit.person_actor(staff.person_id), now=services.now())
    except ProblemError as error:
        if error.status == 404:
            raise
        return _render_end(request, services, pass_id, problem=f"problem.{error.code}", status=error.status)
    return done(request, "administration_passes_page", "pass_ended")


def _read_moment(
    typed: dict[str, str], place: str, services: ConsoleServices, problems: dict[str, str]
) -> datetime | None:
    found = read_moment(typed[place], services.zone)
    if found is None:
        problems[place] = "administration.problem.moment"
    return found


def _render_list(
    request: Request, services: ConsoleServices, *, which: str, cursor: str | None, **more: Any
) -> HTMLResponse:
    page, now = PageRequest(_PAGE, cursor), services.now()
    with services.database.read() as session:
        found = visitor_passes.find_latest(
            session,
            valid_at=None if which == "all" else now,
            before=page.after(UUID),
            limit=page.limit + 1,
        )
        rows, following = page.cut(found, lambda one: one.id)
        titles = gates.find_titles(session)
    return render_administration(
        request,
        "administration/passes.html",
        rows=[(one, visitor_passes.state_of(one, now)) for one in rows],
        following=following,
        names=services.names({one.person_id for one in rows}),
        issuers=name_actors(services.names, {one.issued_by for one in rows}),
        gates=titles,
        which=which,
        **more,
    )


def _render_new(
    request: Request,
    services: ConsoleServices,
    typed: dict[str, str],
    chosen: list[str],
    *,
    problems: dict[str, str] | None = None,
    **more: Any,
) -> HTMLResponse:
    with services.database.read() as session:
        return render_administration(
            request,
            "administration/new_pass.html",
            key=new_id(),
            typed=typed,
            chosen=chosen,
            problems=problems or {},
            gates=gates.find(session),
            **more,
        )


def _render_end(
    request: Request, services: ConsoleServices, pass_id: UUID, *, problem: str | None = None, **more: Any
) -> HTMLResponse:
    with services.database.read() as session:
        one = visitor_passes.get(session, pass_id)
        titles = gates.find_titles(session)
    return render_administration(
        request,
        "administration/end_pass.html",
        visitor_pass=one,
        names=services.names({one.person_id}),
        gates=titles,
        problem=problem,
        **more,
    )
