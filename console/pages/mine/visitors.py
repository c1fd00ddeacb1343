"""Visitors whom one invites by oneself: a pass for some gates and hours, shown as a code to send on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.principals import Principal
from console import qr
from console.dependencies import HolderDep, ServicesDep
from console.forms import read_moment
from console.rendering import done, forbid_storing, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from directory import visitor_hosting
from directory.tables import GateRecord
from directory.visitor_hosting import HostedPass, Invitation
from web.problems import ProblemError

router = APIRouter(prefix="/console/me/visitors", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ON_A_PAGE = 20
_USUAL_VISIT = timedelta(hours=2)

Typed = Annotated[str, Form(max_length=200)]


@router.get("", response_class=HTMLResponse, name="visitors_page")
def list_visitors(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    *,
    before: Annotated[UUID | None, Query()] = None,
) -> HTMLResponse:
    """Show the passes one has given, the newest first, and the form for another one."""
    return _render_list(request, me, services, before=before)


@router.post("/invitations", name="visitor_invite", response_class=RedirectResponse)
def invite(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Annotated[UUID, Form()],
    visitor: Typed = "",
    purpose: Typed = "",
    gates: Annotated[list[str] | None, Form(max_length=100)] = None,
    valid_from: Typed = "",
    valid_until: Typed = "",
) -> Response:
    """Give a visitor a pass; the same form sent again is the same pass."""
    typed = {
        "visitor": visitor,
        "purpose": purpose,
        "gates": gates or [],
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
    begins, ends = read_moment(valid_from, services.zone), read_moment(valid_until, services.zone)
    problems = _find_problems(typed, begins, ends)
    if problems or begins is None or ends is None:
        return _render_list(request, me, services, key=key, typed=typed, problems=problems, status=422)
    wanted = Invitation(key, visitor.strip(), purpose.strip(), tuple(sorted(set(gates or []))), begins, ends)
    try:
        with services.database.begin() as session:
            visitor_hosting.invite(
                session, services.directory, wanted, host_id=me.person_id, by=me.actor, now=services.now()
            )
    except ProblemError as error:
        problems = {_FIELDS.get(error.code, ""): f"problem.{error.code}"}
        return _render_list(request, me, services, key=key, typed=typed, problems=problems, status=error.status)
    return done(request, "visitor_page", "pass_given", pass_id=key)


@router.get("/{pass_id}", response_class=HTMLResponse, name="visitor_page")
def show(request: Request, pass_id: UUID, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show a pass one has given, with its code while it is good."""
    now = services.now()
    with services.database.read() as session:
        found = visitor_hosting.get_of_host(session, services.directory, pass_id, me.person_id, now)
        titles = _find_titles(session, [found])
    return render_page(
        request,
        "mine/visitor.html",
        problem=None,
        shown=found,
        state=found.state(now),
        titles=titles,
        code=qr.draw(found.code) if found.code else None,
    )


@router.post("/{pass_id}/end", name="visitor_end", response_class=RedirectResponse)
def end(
    request: Request,
    pass_id: UUID,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
) -> Response:
    """End a pass one has given; every gate forgets it within moments."""
    with services.database.begin() as session:
        visitor_hosting.end(session, pass_id, me.person_id, by=me.actor, now=services.now())
    return done(request, "visitor_page", "pass_ended", pass_id=pass_id)


_FIELDS = {
    "pass_period": "valid_until",
    "hosted_period": "valid_until",
    "gate_not_hosted": "gates",
    "invalid_person": "visitor",
}
"""Beside which field a problem is said; every other stands above the form."""


def _find_problems(typed: Mapping[str, Any], begins: datetime | None, ends: datetime | None) -> dict[str, str]:
    problems = {}
    if not typed["visitor"].strip():
        problems["visitor"] = "visitors.visitor_missing"
    if not typed["gates"]:
        problems["gates"] = "visitors.gates_missing"
    if begins is None:
        problems["valid_from"] = "visitors.moment_wrong"
    if ends is None:
        problems["valid_until"] = "visitors.moment_wrong"
    return problems


def _render_list(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    before: UUID | None = None,
    key: UUID | None = None,
    typed: Mapping[str, Any] | None = None,
    problems: Mapping[str, str] | None = None,
    **more: Any,
) -> HTMLResponse:
    now, rules = services.now(), services.directory.hosting
    with services.database.read() as session:
        may_host = visitor_hosting.may_host(session, services.directory, me.person_id, now)
        gates = visitor_hosting.find_gates(session, services.directory, me.person_id, now) if may_host else []
        passes = visitor_hosting.find_of_host(
            session, services.directory, me.person_id, now, before=before, limit=_ON_A_PAGE + 1
        )
        titles = _find_titles(session, passes)
    shown = passes[:_ON_A_PAGE]
    following = f"{path_to(request, 'visitors_page')}?before={shown[-1].row.id}" if len(passes) > len(shown) else None
    local = now.astimezone(services.zone)
    suggested = {
        "valid_from": _plain(local),
        "valid_until": _plain(local + min(_USUAL_VISIT, rules.longest)),
        "gates": [gates[0].name] if len(gates) == 1 else [],
    }
    return render_page(
        request,
        "mine/visitors.html",
        key=key or uuid4(),
        typed=typed or suggested,
        problem=(problems or {}).get(""),
        problems=problems or {},
        may_host=may_host,
        gates=gates,
        rules=rules,
        longest_h=round(rules.longest.total_seconds() / 3600),
        passes=[(one, one.state(now)) for one in shown],
        titles=titles,
        next=following,
        **more,
    )


def _plain(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def _find_titles(session: Session, passes: list[HostedPass]) -> dict[str, str]:
    names = {gate for one in passes for gate in one.row.gates}
    rows = session.execute(select(GateRecord.name, GateRecord.title).where(GateRecord.name.in_(names)))
    return {row[0]: row[1] for row in rows}
