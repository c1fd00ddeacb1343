"""Paying at a merchant by the code on its counter: an amount, then a channel's app. No balance is needed."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from accounts.payment_channels.channel import ChannelNotConnectedError
from accounts.payments import merchant_codes
from accounts.payments.charges import SCAN_PATIENCE
from accounts.payments.merchant_codes import ScannedPayment
from accounts.payments.tables import Charge
from console.amounts import AmountError, read_yuan
from console.dependencies import ServicesDep
from console.rendering import forbid_storing, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.channel_payments import HowToPay, find_way, guess_channel, list_channels
from web.client_address import NetworkDep
from web.problems import NotFoundError, ProblemError

router = APIRouter(prefix="/console/pay", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get("/{merchant_id}", response_class=HTMLResponse, name="scan_merchant_page")
def show_form(merchant_id: UUID, request: Request, services: ServicesDep) -> HTMLResponse:
    """Show whom the code is of, and ask how much."""
    return _render_form(request, services, merchant_id)


@router.post("/{merchant_id}", response_class=RedirectResponse, name="scan_merchant_pay")
def create(
    merchant_id: UUID,
    request: Request,
    services: ServicesDep,
    network: NetworkDep,
    _same_origin: SameOriginDep,
    *,
    key: Annotated[UUID, Form()],
    channel: Annotated[str, Form(max_length=63)] = "",
    amount: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Open the payment; the same form sent again is the same payment."""
    typed = {"channel": channel, "amount": amount}
    try:
        wanted = ScannedPayment(key, merchant_id, channel, read_yuan(amount))
        merchant_codes.open_charge(services.money, wanted, network, services.now())
    except AmountError as error:
        problems = {"amount": error.words}
        return _render_form(request, services, merchant_id, key=key, typed=typed, problems=problems, status=422)
    except ChannelNotConnectedError:
        problems = {"channel": "top_up.channel_unknown"}
        return _render_form(request, services, merchant_id, key=key, typed=typed, problems=problems, status=422)
    except NotFoundError:
        raise
    except ProblemError as error:
        # Another key: whoever changed a form that was sent means another payment.
        problems = {"": f"problem.{error.code}"}
        return _render_form(request, services, merchant_id, typed=typed, problems=problems, status=error.status)
    return lead_to(request, path_to(request, "scan_payment_page", merchant_id=merchant_id, charge_id=key))


@router.get("/{merchant_id}/payments/{charge_id}", response_class=HTMLResponse, name="scan_payment_page")
def show(merchant_id: UUID, charge_id: UUID, request: Request, services: ServicesDep) -> HTMLResponse:
    """Show how a payment is made, or what became of it: what the payer shows at the counter."""
    now = services.now()
    charge, merchant = merchant_codes.query(services.money, merchant_id, charge_id, now)
    state, way = _state(charge), HowToPay()
    if state == "pending":
        way = find_way(request, lambda: merchant_codes.ask_how_to_pay(services.money, charge, merchant, now))
    return render_page(
        request,
        "scan/payment.html",
        problem="top_up.channel_away" if way.is_away else None,
        payment=charge,
        merchant=merchant,
        state=state,
        channel=dict(list_channels(request, services)).get(charge.channel, charge.channel),
        way=way,
        closes_at=charge.created_at + SCAN_PATIENCE,
    )


@router.get("/{merchant_id}/payments/{charge_id}/state", name="scan_payment_state")
def read_state(merchant_id: UUID, charge_id: UUID, services: ServicesDep) -> dict[str, str]:
    """Return what became of a payment, for its page to follow."""
    charge, _ = merchant_codes.query(services.money, merchant_id, charge_id, services.now())
    return {"state": _state(charge)}


def _state(charge: Charge) -> str:
    """One that has a reason was refused first: what was paid of it afterwards goes back, and is not the merchant's."""
    return "refused" if charge.reason else charge.state


def _render_form(
    request: Request,
    services: ConsoleServices,
    merchant_id: UUID,
    *,
    key: UUID | None = None,
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    with services.database.read() as session:
        merchant = merchant_codes.find_merchant(session, merchant_id)
    return render_page(
        request,
        "scan/payment_form.html",
        status=status,
        merchant=merchant,
        key=key or uuid4(),
        typed=typed or {"channel": guess_channel(request)},
        problem=(problems or {}).get(""),
        problems=problems or {},
        channels=list_channels(request, services),
    )
