"""Face models: by which people and gates are recognised, how far a change has come, and the choice for one gate."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import audit
from console.dependencies import AdminDep, ServicesDep
from console.pages.administration.gates import TICKET, GateName
from console.pages.administration.rendering import render_administration
from console.rendering import done, forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from directory import gate_models, gates
from directory.model_progress import find_progress
from web.problems import ProblemError
from web.tickets import FormTicketDep

router = APIRouter(
    prefix="/console/administration/models", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)


@router.get("", response_class=HTMLResponse, name="administration_models_page")
def show(request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show people by face model, and what each gate matches with."""
    return _render(request, services)


@router.post("/{gate}/choice", response_class=HTMLResponse, name="administration_set_gate_model")
def set_model(
    gate: GateName,
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    ticket: FormTicketDep,
    model_id: Annotated[str, Form(max_length=255)] = "",
) -> Response:
    """Choose the face model of a gate; nothing given: the campus's."""
    try:
        with services.database.begin() as session:
            ticket.redeem(admin.person_id, TICKET)
            record = gates.get(session, gate, for_change=True)
            by = audit.person_actor(admin.person_id)
            gate_models.set_model(session, record, model_id or None, by=by, now=services.now())
    except ProblemError as error:
        return _render(request, services, problem=f"problem.{error.code}", status=error.status)
    return done(request, "administration_models_page", "gate_model_set")


def _render(request: Request, services: ConsoleServices, *, problem: str | None = None, **more: Any) -> HTMLResponse:
    with services.database.read() as session:
        progress = find_progress(session)
    return render_administration(request, "administration/models.html", progress=progress, problem=problem, **more)
