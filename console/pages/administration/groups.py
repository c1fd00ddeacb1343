"""Groups: who is in each, by search; people taken in and out, one by one or by a list of numbers."""

import re
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from accounts import people
from accounts.people.groups import set_membership
from accounts.principals import Principal
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.pages.administration.rendering import render_administration
from console.rendering import DONE, forbid_storing, lead_to, path_to
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from directory import gates
from directory.reach import count_members
from web.paging import PageRequest
from web.problems import NotFoundError, ProblemError

router = APIRouter(
    prefix="/console/administration/groups", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

_PAGE = 50
_MOST_NUMBERS = 500
GroupName = Annotated[str, Query(min_length=1, max_length=64, alias="name")]


@router.get("", response_class=HTMLResponse, name="administration_groups_page")
def show_groups(request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """List the groups, how many people each holds, and the gates whose rules name it."""
    with services.database.read() as session:
        members = count_members(session)
        naming: dict[str, list[tuple[str, str]]] = {name: [] for name in members}
        for gate in gates.find(session):
            for group in sorted(gates.policy_of(gate).named_groups):
                naming.setdefault(group, []).append((gate.name, gate.title))
    return render_administration(
        request,
        "administration/groups.html",
        rows=[(name, members.get(name, 0), naming[name]) for name in sorted(naming)],
    )


@router.get(
    "/members",
    dependencies=[record_disclosure("people.read", "people:list")],
    response_class=HTMLResponse,
    name="administration_group_page",
)
def show_group(
    request: Request,
    _admin: AdminDep,
    services: ServicesDep,
    *,
    group: GroupName,
    search: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show who is in a group."""
    return _render(request, services, group, search=search.strip(), cursor=cursor)


@router.post("/members", response_class=HTMLResponse, name="administration_join_group")
def join(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    group: Annotated[str, Form(max_length=64)] = "",
    numbers: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Take people into a group, by their numbers; what is wrong with one keeps no other out."""
    group = group.strip()
    wanted = list(dict.fromkeys(one for one in re.split(r"[\s,，;；、]+", numbers) if one))[:_MOST_NUMBERS]
    refused = {number: problem for number in wanted if (problem := _take_in(services, admin, number, group))}
    if refused or not wanted or not group:
        none = {"": "administration.problem.needed"} if not wanted or not group else {}
        return _render(request, services, group, numbers="\n".join(refused), refused=refused or none, status=422)
    return _back(request, group, "group_joined")


@router.post("/members/{person_id}/leave", response_class=HTMLResponse, name="administration_leave_group")
def leave(
    person_id: UUID,
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    group: Annotated[str, Form(min_length=1, max_length=64)],
) -> Response:
    """Take one person out of a group."""
    try:
        with services.database.begin() as session:
            set_membership(session, admin, person_id, group, is_member=False, now=services.now())
    except ProblemError as error:
        return _render(request, services, group, problem=f"problem.{error.code}", status=error.status)
    return _back(request, group, "group_left")


def _take_in(services: ConsoleServices, admin: Principal, number: str, group: str) -> str | None:
    """Take somebody in; return the words of why not."""
    try:
        with services.database.begin() as session:
            person = people.by_number(session, number)
            if person is None:
                raise NotFoundError
            set_membership(session, admin, person.id, group, is_member=True, now=services.now())
    except NotFoundError:
        return "administration.problem.nobody"
    except ProblemError as error:
        return f"problem.{error.code}"
    return None


def _back(request: Request, group: str, words: str) -> RedirectResponse:
    query = urlencode({"name": group, DONE: words})
    return lead_to(request, f"{path_to(request, 'administration_group_page')}?{query}")


def _render(
    request: Request,
    services: ConsoleServices,
    group: str,
    *,
    search: str = "",
    cursor: str | None = None,
    numbers: str = "",
    refused: dict[str, str] | None = None,
    **more: Any,
) -> HTMLResponse:
    page = PageRequest(_PAGE, cursor)
    with services.database.read() as session:
        found = people.find(session, group=group, search=search or None, after=page.after(UUID), limit=page.limit + 1)
        members, following = page.cut(found, lambda person: person.id)
        number = count_members(session).get(group, 0)
        named = [gate for gate in gates.find(session) if group in gates.policy_of(gate).named_groups]
    return render_administration(
        request,
        "administration/group.html",
        group=group,
        members=members,
        number=number,
        gates=named,
        search=search,
        following=following,
        numbers=numbers,
        refused=refused or {},
        **({"problem": None} | more),
    )
