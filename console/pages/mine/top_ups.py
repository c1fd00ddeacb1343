"""Topping one's own wallet up through a payment channel, and the top-ups there were."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from accounts.ledger import find_account
from accounts.payment_channels.channel import ChannelFailedError, ChannelNotConnectedError
from accounts.principals import Principal
from accounts.topup import orders
from accounts.topup.orders import LIFETIME, TopUpRequest
from console import texts
from console.amounts import TOP_UP_AMOUNTS, AmountError, read_yuan
from console.dependencies import HolderDep, ServicesDep
from console.rendering import forbid_storing, language_of, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.channel_payments import HowToPay, find_way, list_channels
from console.views.own_top_ups import describe_orders
from web.paging import PageRequest
from web.problems import ProblemError

router = APIRouter(prefix="/console/me/money/top-ups", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ON_A_PAGE = 20


@router.get("", response_class=HTMLResponse, name="top_ups_page")
def list_top_ups(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    *,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show one's own top-ups, the newest first."""
    page = PageRequest(_ON_A_PAGE, cursor or None)
    t = texts.translator(language_of(request))
    with services.database.read() as session:
        after = page.after(tuple[datetime, UUID])
        found = orders.find_of_person(session, me.person_id, after=after, limit=page.limit + 1)
        rows, following = page.cut(found, lambda row: (row.created_at.isoformat(), row.id))
        shown = describe_orders(session, rows, t)
    following_page = f"{path_to(request, 'top_ups_page')}?cursor={following}" if following else None
    return render_page(request, "mine/top_ups.html", problem=None, top_ups=shown, next=following_page)


@router.get("/new", response_class=HTMLResponse, name="top_up_form")
def show_form(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show the form that a top-up begins with."""
    return _render_form(request, me, services)


@router.post("/new", response_class=RedirectResponse, name="top_up_create")
def create(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Annotated[UUID, Form()],
    channel: Annotated[str, Form(max_length=63)] = "",
    amount: Annotated[str, Form(max_length=20)] = "",
    chosen: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Open an order at the channel; the same form sent again is the same order."""
    typed = {"channel": channel, "amount": amount, "chosen": chosen}
    try:
        wanted = read_yuan(amount.strip() or chosen)
    except AmountError as error:
        problems = {"amount": error.words}
        return _render_form(request, me, services, key=key, typed=typed, problems=problems, status=422)
    try:
        orders.create(services.money, TopUpRequest(key, me.person_id, channel, wanted), services.now())
    except ChannelFailedError:
        # The order is written down; its page says what is known and asks the channel again.
        pass
    except ChannelNotConnectedError:
        problems = {"channel": "top_up.channel_unknown"}
        return _render_form(request, me, services, key=key, typed=typed, problems=problems, status=422)
    except ProblemError as error:
        # Another key: whoever changed the amount of an order that was sent means another order.
        problems = {"": f"problem.{error.code}"}
        return _render_form(request, me, services, typed=typed, problems=problems, status=error.status)
    return lead_to(request, path_to(request, "top_up_page", order_id=key))


@router.get("/{order_id}", response_class=HTMLResponse, name="top_up_page")
def show(request: Request, order_id: UUID, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show what became of a top-up; one that is open is asked for at its channel, and says how it is paid."""
    t = texts.translator(language_of(request))
    now = services.now()
    order = orders.query(services.money, order_id, me.person_id, now)
    way = HowToPay()
    if order.state == "pending":
        way = find_way(request, lambda: orders.ask_how_to_pay(services.money, order, now))
    with services.database.read() as session:
        (shown,) = describe_orders(session, [order], t)
        available = _find_available(session, me)
    return render_page(
        request,
        "mine/top_up.html",
        problem="top_up.channel_away" if way.is_away else None,
        top_up=shown,
        available=available,
        way=way,
        closes_at=order.created_at + LIFETIME,
    )


@router.get("/{order_id}/state", name="top_up_state")
def read_state(order_id: UUID, me: HolderDep, services: ServicesDep) -> dict[str, str]:
    """Return the state of a top-up, for its page to follow."""
    return {"state": orders.query(services.money, order_id, me.person_id, services.now()).state}


def _render_form(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    key: UUID | None = None,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    **more: Any,
) -> HTMLResponse:
    with services.database.read() as session:
        available = _find_available(session, me)
    return render_page(
        request,
        "mine/top_up_form.html",
        key=key or uuid4(),
        typed=typed or {},
        problem=(problems or {}).get(""),
        problems=problems or {},
        available=available,
        amounts=TOP_UP_AMOUNTS,
        channels=list_channels(request, services),
        **more,
    )


def _find_available(session: Session, me: Principal) -> int | None:
    found = find_account(session, me.person_id)
    return None if found is None else found.available
