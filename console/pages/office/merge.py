"""Merging two accounts of one person, after a look at what moves."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from accounts import merging, people
from accounts.people.merge_parts import Foreseen
from accounts.principals import Principal
from accounts.tables import Person
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from web.problems import ProblemError

router = APIRouter(prefix="/console/office/people", include_in_schema=False)

_READS = record_disclosure("person.read", "person:{person_id}")


@router.get("/{person_id}/merge", response_class=HTMLResponse, name="office_merge_page", dependencies=[_READS])
def show_merge(
    request: Request,
    *,
    admin: AdminDep,
    services: ServicesDep,
    person_id: UUID,
    number: Annotated[str, Query(max_length=32)] = "",
    swapped: bool = False,
) -> HTMLResponse:
    """Ask for the number of the other account, then show what would move; `swapped` keeps the other one."""
    return _render(request, services, admin, person_id, number, swapped=swapped)


@router.post("/{person_id}/merge", name="office_merge", response_model=None, dependencies=[_READS])
def merge(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    gone_id: Annotated[UUID, Form()],
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Merge the account `gone_id` into this one; it needs a tick."""
    with services.database.read() as session:
        number = people.get(session, gone_id).number
    if not sure:
        return _render(request, services, admin, person_id, number, swapped=False, problem="merge.unsure", status=422)
    try:
        with services.database.begin() as session:
            parts, notify = services.accounts.merge_parts, services.accounts.notify
            merging.merge(session, admin, person_id, gone_id, parts, notify=notify, now=services.now())
    except ProblemError as error:
        problem = f"problem.{error.code}"
        return _render(request, services, admin, person_id, number, swapped=False, problem=problem, status=error.status)
    return done(request, "office_person_page", "accounts_merged", person_id=person_id)


def _render(
    request: Request,
    services: ConsoleServices,
    admin: Principal,
    person_id: UUID,
    number: str,
    *,
    swapped: bool,
    **more: Any,
) -> HTMLResponse:
    foreseen: Foreseen | None = None
    other: Person | None = None
    with services.database.read() as session:
        person = people.get(session, person_id)
        if number.strip():
            other = people.by_number(session, number)
        keep, gone = (other, person) if swapped and other is not None else (person, other)
        if gone is not None:
            foreseen = merging.foresee(session, keep.id, gone.id, services.accounts.merge_parts, now=services.now())
    return render_page(
        request,
        "office/merge.html",
        person=person,
        number=number,
        unknown=bool(number.strip()) and other is None,
        keep=keep,
        gone=gone,
        foreseen=foreseen,
        is_own=gone is not None and admin.person_id in {keep.id, gone.id},
        swapped=swapped,
        **more,
    )
