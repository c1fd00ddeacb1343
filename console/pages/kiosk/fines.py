"""What somebody at a kiosk owes the library, and paying it from the campus account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from console.dependencies import ASKING, FinesDep, ServicesDep
from console.kiosk_cookies import Visit
from console.pages.kiosk.screens import KnownDep, lead_on, render_screen
from console.pages.kiosk.start import describe_holder
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from integrations.library_fines import payments
from integrations.library_fines.payments import FineServices, LibrarySilentError, WantedPayment
from web.problems import ProblemError

router = APIRouter(prefix="/console/kiosk/fines", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get("", response_class=HTMLResponse, dependencies=[ASKING], name="kiosk_fines_page")
def show(request: Request, visit: KnownDep, services: ServicesDep, library: FinesDep) -> HTMLResponse:
    """Show what is owed."""
    return _render(request, visit, services, library)


@router.post("", dependencies=[ASKING], name="kiosk_fines_pay")
def pay(
    _same_origin: SameOriginDep,
    request: Request,
    visit: KnownDep,
    services: ServicesDep,
    library: FinesDep,
    *,
    key: Annotated[UUID, Form()],
    fen: Annotated[int, Form(ge=1, le=100_000_000)],
) -> Response:
    """Pay all that was shown as owed; the same form again pays nothing more."""
    try:
        payments.pay(library, WantedPayment(key, visit.person_id, fen, "kiosk"), services.now())
    except ProblemError as error:
        return _render(request, visit, services, library, refusal=error)
    return lead_on(request, services, "kiosk_fine_page", visit, payment_id=key)


@router.get("/{payment_id}", response_class=HTMLResponse, name="kiosk_fine_page")
def tell(payment_id: UUID, request: Request, visit: KnownDep, services: ServicesDep) -> HTMLResponse:
    """Say what became of a payment."""
    with services.database.read() as session:
        payment = payments.find_own(session, payment_id, visit.person_id)
    return render_screen(
        request, services, "kiosk/fine.html", visit=visit, payment=payment, **describe_holder(services, visit)
    )


def _render(
    request: Request,
    visit: Visit,
    services: ConsoleServices,
    library: FineServices,
    *,
    refusal: ProblemError | None = None,
) -> HTMLResponse:
    try:
        fines = payments.find_fines(library, visit.person_id)
    except LibrarySilentError as error:
        fines, refusal = None, refusal or error
    return render_screen(
        request,
        services,
        "kiosk/fines.html",
        visit=visit,
        status=200 if refusal is None else refusal.status,
        problem=None if refusal is None else f"problem.{refusal.code}",
        fines=fines,
        key=new_id(),
        **describe_holder(services, visit),
    )
