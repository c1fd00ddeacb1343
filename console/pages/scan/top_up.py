"""Topping somebody up by the code on a wall: number, name and amount, then a channel's app."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from accounts.payment_channels.channel import ChannelFailedError, ChannelNotConnectedError
from accounts.topup import by_scan, orders
from accounts.topup.by_scan import PayeeUnknownError, ScannedTopUp
from accounts.topup.orders import LIFETIME
from console.amounts import TOP_UP_AMOUNTS, AmountError, read_yuan
from console.dependencies import ServicesDep
from console.rendering import forbid_storing, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.channel_payments import HowToPay, find_way, guess_channel, list_channels
from web.client_address import NetworkDep
from web.problems import ProblemError

router = APIRouter(prefix="/console/top-up", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get("", response_class=HTMLResponse, name="scan_top_up_form")
def show_form(request: Request, services: ServicesDep) -> HTMLResponse:
    """Show the form that a static code leads to."""
    return _render_form(request, services)


@router.post("", response_class=RedirectResponse, name="scan_top_up_create")
def create(
    request: Request,
    services: ServicesDep,
    network: NetworkDep,
    _same_origin: SameOriginDep,
    *,
    key: Annotated[UUID, Form()],
    number: Annotated[str, Form(max_length=40)] = "",
    name: Annotated[str, Form(max_length=100)] = "",
    channel: Annotated[str, Form(max_length=63)] = "",
    amount: Annotated[str, Form(max_length=20)] = "",
    chosen: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Open an order for the person with this number and name; the same form sent again is the same order."""
    typed = {"number": number, "name": name, "channel": channel, "amount": amount, "chosen": chosen}
    try:
        wanted = ScannedTopUp(key, number, name, channel, read_yuan(amount.strip() or chosen))
        by_scan.create(services.money, wanted, network, services.now())
    except AmountError as error:
        return _render_form(request, services, key=key, typed=typed, problems={"amount": error.words}, status=422)
    except PayeeUnknownError as error:
        problems = {"name": f"problem.{error.code}"}
        return _render_form(request, services, key=key, typed=typed, problems=problems, status=422)
    except ChannelNotConnectedError:
        problems = {"channel": "top_up.channel_unknown"}
        return _render_form(request, services, key=key, typed=typed, problems=problems, status=422)
    except ChannelFailedError:
        # The order is written down; its page says what is known and asks the channel again.
        pass
    except ProblemError as error:
        # Another key: whoever changed a form that was sent means another order.
        problems = {"": f"problem.{error.code}"}
        return _render_form(request, services, typed=typed, problems=problems, status=error.status)
    return lead_to(request, path_to(request, "scan_top_up_page", order_id=key))


@router.get("/{order_id}", response_class=HTMLResponse, name="scan_top_up_page")
def show(order_id: UUID, request: Request, services: ServicesDep) -> HTMLResponse:
    """Show how an order is paid, or what became of it, to whoever has its id; whose it is is not said."""
    now = services.now()
    order = orders.query(services.money, order_id, None, now)
    way = HowToPay()
    if order.state == "pending":
        way = find_way(request, lambda: orders.ask_how_to_pay(services.money, order, now))
    return render_page(
        request,
        "scan/top_up.html",
        problem="top_up.channel_away" if way.is_away else None,
        payment=order,
        state=_shown(order.state),
        channel=dict(list_channels(request, services)).get(order.channel, order.channel),
        way=way,
        closes_at=order.created_at + LIFETIME,
    )


@router.get("/{order_id}/state", name="scan_top_up_state")
def read_state(order_id: UUID, services: ServicesDep) -> dict[str, str]:
    """Return what became of an order, for its page to follow."""
    return {"state": _shown(orders.query(services.money, order_id, None, services.now()).state)}


def _shown(state: str) -> str:
    """Money that waits because its account is shut is paid: what the account is in is nobody else's business."""
    return state if state in ("pending", "credited", "closed") else "paid"


def _render_form(
    request: Request,
    services: ConsoleServices,
    *,
    key: UUID | None = None,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    return render_page(
        request,
        "scan/top_up_form.html",
        status=status,
        key=key or uuid4(),
        typed=typed or {"channel": guess_channel(request)},
        is_first=typed is None,
        problem=(problems or {}).get(""),
        problems=problems or {},
        amounts=TOP_UP_AMOUNTS,
        channels=list_channels(request, services),
    )
