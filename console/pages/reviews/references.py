"""Reference photos: whether somebody has one, handing one in, erasing it; only a template is kept."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.people import authority
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from enrollment import references
from enrollment.photo_form import read_form
from enrollment.references import ReferenceSource, hand_in
from web.problems import ProblemError

router = APIRouter(
    prefix="/console/reviews/references", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)


@router.get("", response_class=HTMLResponse, name="review_references_page")
def find(
    request: Request,
    _admin: AdminDep,
    services: ServicesDep,
    *,
    number: Annotated[str, Query(max_length=32)] = "",
) -> Response:
    """Ask whose references are wanted, and lead there."""
    with services.database.read() as session:
        counts = references.count_people(session)
        person = people.by_number(session, number) if number.strip() else None
    if person is not None:
        return lead_to(request, path_to(request, "review_person_references_page", person_id=person.id))
    problem = "problem.not_found" if number.strip() else None
    return render_page(
        request,
        "reviews/references.html",
        status=404 if problem else 200,
        person=None,
        number=number,
        problem=problem,
        counts=counts,
    )


@router.get(
    "/{person_id}",
    dependencies=[record_disclosure("references.read", "person:{person_id}")],
    response_class=HTMLResponse,
    name="review_person_references_page",
)
def show(person_id: UUID, request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show which references a person has."""
    return _render(request, services, person_id)


@router.post("/{person_id}/reference-photos", response_class=HTMLResponse, name="review_put_reference")
async def put(
    person_id: UUID, request: Request, admin: AdminDep, services: ServicesDep, _same_origin: SameOriginDep
) -> Response:
    """Take a reference photo in the place of an earlier one from the same source."""
    enrollment = services.enrollment
    try:
        content, texts = await read_form(request)
        source = references.read_source(texts.get("source"))
        compared = await enrollment.run_assessment(
            partial(hand_in, enrollment, person_id, content, source, acting=admin, now=services.now())
        )
    except ProblemError as error:
        return await enrollment.run_assessment(
            partial(_render, request, services, person_id, problem=f"problem.{error.code}", status=error.status)
        )
    words = {True: "reference_same", False: "reference_other", None: "reference_kept"}[compared.same_person]
    return done(request, "review_person_references_page", words, person_id=person_id)


@router.post("/{person_id}/withdrawal", response_class=HTMLResponse, name="review_withdraw_reference")
def withdraw(
    person_id: UUID,
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    source: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Erase a person's reference of one source."""
    try:
        chosen = references.read_source(source)
        with services.database.begin() as session:
            authority.get_to_change(session, admin, person_id)
            references.withdraw(session, person_id, by=admin.actor, now=services.now(), source=chosen)
    except ProblemError as error:
        return _render(request, services, person_id, problem=f"problem.{error.code}", status=error.status)
    return done(request, "review_person_references_page", "reference_erased", person_id=person_id)


def _render(
    request: Request, services: ConsoleServices, person_id: UUID, *, problem: str | None = None, **more: Any
) -> HTMLResponse:
    with services.database.read() as session:
        person = people.get(session, person_id)
        made = {one.source: one.made_at for one in references.find_of_person(session, person_id)}
    return render_page(
        request,
        "reviews/references.html",
        person=person,
        sources=[(source, made.get(source.value)) for source in ReferenceSource],
        problem=problem,
        **more,
    )
