"""What gates know of a person's face and heed beside it, for administrators: needs, where the template is, erasure."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.people import authority
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from directory import gates, look_alikes, template_receipts
from directory.people import set_needs
from directory.tables import GatePerson
from enrollment import consent, photo_states, photos
from web.problems import ProblemError

router = APIRouter(prefix="/console/office/people/{person_id}", include_in_schema=False)

_READS = record_disclosure("template_receipts.read", "person:{person_id}")


@router.get("/face", response_class=HTMLResponse, name="office_face_page", dependencies=[_READS])
def show_face(request: Request, _admin: AdminDep, services: ServicesDep, person_id: UUID) -> HTMLResponse:
    """Show needs, consent, and which devices hold or held the template."""
    return _render(request, services, person_id)


@router.post("/needs", name="office_set_needs", response_model=None, dependencies=[_READS])
def change_needs(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    card_and_face: Annotated[bool, Form()] = False,
    extended_time: Annotated[bool, Form()] = False,
) -> Response:
    """Say what gates must heed."""
    try:
        with services.database.begin() as session:
            authority.require(session, admin, person_id)
            set_needs(
                session,
                person_id,
                needs_card_and_face=card_and_face,
                extended_time=extended_time,
                by=admin.actor,
                now=services.now(),
            )
    except ProblemError as error:
        return _render(request, services, person_id, problem=f"problem.{error.code}", status=error.status)
    return done(request, "office_face_page", "needs_set", person_id=person_id)


@router.post("/photos/erasure", name="office_erase_photos", response_model=None, dependencies=[_READS])
def erase_photos(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Erase every photo and template of a person; it needs a tick."""
    if not sure:
        return _render(request, services, person_id, problem="face_page.unsure", status=422)
    try:
        with services.database.begin() as session:
            authority.require(session, admin, person_id)
            photos.withdraw_all(
                session, person_id, by=admin.actor, now=services.now(), why="erased by an administrator"
            )
    except ProblemError as error:
        return _render(request, services, person_id, problem=f"problem.{error.code}", status=error.status)
    return done(request, "office_face_page", "photos_erased", person_id=person_id)


def _render(request: Request, services: ConsoleServices, person_id: UUID, **more: Any) -> HTMLResponse:
    with services.database.read() as session:
        person = people.get(session, person_id)
        found = template_receipts.whereabouts_of(session, person_id)
        titles = gates.find_titles(session)
        return render_page(
            request,
            "office/face.html",
            person=person,
            photo=photo_states.find_states(session, [person_id]).get(person_id),
            has_consented=consent.find_current(session, person_id) is not None,
            needs=session.get(GatePerson, person_id),
            look_alikes=look_alikes.count_pairs(session, person_id),
            whereabouts=found,
            titles=titles,
            **more,
        )
