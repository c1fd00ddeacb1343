"""What a person owes the library, asked of its own system at this moment, and paying it from the campus account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts.ledger import find_account
from accounts.principals import Principal
from console.dependencies import ASKING, FinesDep, HolderDep, ServicesDep
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from integrations.library_fines import payments
from integrations.library_fines.payments import FineServices, LibrarySilentError, WantedPayment
from web.problems import ProblemError

router = APIRouter(prefix="/console/me/money/fines", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get("", response_class=HTMLResponse, dependencies=[ASKING], name="fines_page")
def show(request: Request, me: HolderDep, services: ServicesDep, library: FinesDep) -> HTMLResponse:
    """Show what is owed, and the payments there were."""
    return _render(request, me, services, library)


@router.post("", dependencies=[ASKING], name="fines_pay")
def pay(
    _same_origin: SameOriginDep,
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    library: FinesDep,
    *,
    key: Annotated[UUID, Form()],
    fen: Annotated[int, Form(ge=1, le=100_000_000)],
) -> Response:
    """Pay all that was shown as owed; the same form again pays nothing more."""
    try:
        payment = payments.pay(library, WantedPayment(key, me.person_id, fen, "web"), services.now())
    except ProblemError as error:
        return _render(request, me, services, library, refusal=error)
    if payment.state in ("paid", "pending"):
        return done(request, "fines_page", f"fine_{payment.state}")
    return _render(request, me, services, library, problem=f"fines.{payment.state}")


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    library: FineServices,
    *,
    refusal: ProblemError | None = None,
    problem: str | None = None,
) -> HTMLResponse:
    problem, status = (
        (problem, 409 if problem else 200) if refusal is None else (f"problem.{refusal.code}", refusal.status)
    )
    try:
        fines = payments.find_fines(library, me.person_id)
    except LibrarySilentError as error:
        fines, problem, status = None, problem or f"problem.{error.code}", error.status
    with services.database.read() as session:
        wallet = find_account(session, me.person_id)
        return render_page(
            request,
            "mine/fines.html",
            status=status,
            problem=problem,
            fines=fines,
            available=0 if wallet is None else wallet.available,
            payments=payments.find_of_person(session, me.person_id),
            key=new_id(),
        )
