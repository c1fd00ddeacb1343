"""Topping up at a kiosk: an amount, a channel, its code to scan, and the payment followed until it is credited."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from accounts.topup import orders
from accounts.topup.orders import TopUpRequest
from console.amounts import TOP_UP_AMOUNTS, AmountError, read_yuan
from console.dependencies import ServicesDep
from console.kiosk_cookies import Visit
from console.pages.kiosk.screens import VisitDep, go_on, lead_on, render_screen
from console.pages.kiosk.start import describe_holder
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.channel_payments import HowToPay, find_way
from database import new_id
from web.problems import ProblemError

router = APIRouter(prefix="/console/kiosk/top-up", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_SHOWN = timedelta(minutes=5)
"""How long a code stands on the screen before the kiosk goes back to its start."""
_TOLD = timedelta(seconds=40)
"""How long it then tells what became of the payment, unless somebody touches the screen."""


@router.get("", response_class=HTMLResponse, name="kiosk_top_up_page")
def choose(request: Request, visit: VisitDep, services: ServicesDep) -> HTMLResponse:
    """Ask how much, and through which channel."""
    return _render_choice(request, services, visit)


@router.post("", name="kiosk_top_up")
def create(
    _same_origin: SameOriginDep,
    request: Request,
    visit: VisitDep,
    services: ServicesDep,
    *,
    key: Annotated[UUID, Form()],
    channel: Annotated[str, Form(max_length=63)] = "",
    amount: Annotated[str, Form(max_length=40)] = "",
    other: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Open the order at the channel; the same form again opens it once."""
    typed = other if other.strip() else amount
    try:
        fen = read_yuan(typed)
        orders.create(services.money, TopUpRequest(key, visit.person_id, channel, fen), services.now())
    except AmountError as error:
        return _render_choice(request, services, visit, problem=error.words, typed=typed, status=422)
    except ProblemError as error:
        problem = "kiosk.channel_silent" if error.status == 502 else f"problem.{error.code}"
        return _render_choice(request, services, visit, problem=problem, typed=typed, status=error.status)
    return lead_on(request, services, "kiosk_order_page", visit, order_id=key)


@router.get("/{order_id}", response_class=HTMLResponse, name="kiosk_order_page")
def show(order_id: UUID, request: Request, visit: VisitDep, services: ServicesDep) -> HTMLResponse:
    """Show the channel's code, or what became of the payment."""
    order = orders.query(services.money, order_id, visit.person_id, services.now())
    way = HowToPay()
    if order.state == "pending":
        way = find_way(request, lambda: orders.ask_how_to_pay(services.money, order, services.now()))
    return render_screen(
        request,
        services,
        "kiosk/order.html",
        visit=visit,
        order=order,
        code=way.code,
        idle_s=round((_SHOWN if order.state == "pending" else _TOLD).total_seconds()),
        **describe_holder(services, visit),
    )


@router.get("/{order_id}/state", response_class=JSONResponse, name="kiosk_order_state")
def state(order_id: UUID, visit: VisitDep, services: ServicesDep) -> Response:
    """Return what became of the order. The visit goes on meanwhile: whoever pays looks at their phone."""
    order = orders.query(services.money, order_id, visit.person_id, services.now())
    return go_on(services, JSONResponse({"state": order.state}), visit)


def _render_choice(
    request: Request,
    services: ConsoleServices,
    visit: Visit,
    *,
    problem: str | None = None,
    typed: str = "",
    status: int = 200,
) -> HTMLResponse:
    shown: dict[str, Any] = describe_holder(services, visit)
    return render_screen(
        request,
        services,
        "kiosk/top_up.html",
        visit=visit,
        status=status,
        channels=sorted(services.money.channels),
        amounts=TOP_UP_AMOUNTS,
        key=new_id(),
        problem=problem,
        typed=typed,
        **shown,
    )
