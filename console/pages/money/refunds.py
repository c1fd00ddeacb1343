"""A top-up given back through the channel that it came by, whole or in part."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.ledger import find_account
from accounts.payment_channels.channel import ChannelFailedError
from accounts.people.authority import require_another
from accounts.principals import Principal
from accounts.topup import refunds
from accounts.topup.refunds import TopUpRefundRequest
from accounts.topup.tables import TopUpOrder
from console.amounts import AmountError, read_yuan, write_yuan
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from web.problems import NotFoundError, ProblemError

router = APIRouter(prefix="/console/money/top-ups", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get(
    "/{order_id}",
    dependencies=[record_disclosure("top_up.read", "top_up:{order_id}")],
    response_class=HTMLResponse,
    name="money_refund_page",
)
def show(order_id: UUID, request: Request, me: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show a top-up, what was given back of it, and the form to give back more."""
    return _render(request, me, services, order_id)


@router.post("/{order_id}/refunds", name="money_refund")
def refund(
    order_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Annotated[UUID, Form()],
    amount: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Give a part of it back; the same form sent again gives back once."""
    with services.database.read() as session:
        order = session.get(TopUpOrder, order_id)
        owner = order.person_id if order is not None else None
    words = "refunded"
    try:
        require_another(me, owner)
        wanted = TopUpRefundRequest(key, order_id, read_yuan(amount))
        made = refunds.refund(services.money, wanted, by=me.actor, now=services.now())
        words = "refunded" if made.state == "paid" else "refund_waits"
    except ChannelFailedError:
        # The money is held, and the channel is asked again by itself.
        words = "refund_waits"
    except AmountError as error:
        return _render(request, me, services, order_id, problem=error.words, typed=amount, status=422)
    except NotFoundError:
        raise
    except ProblemError as error:
        problem = f"problem.{error.code}"
        return _render(request, me, services, order_id, problem=problem, typed=amount, status=error.status)
    return done(request, "money_refund_page", words, order_id=order_id)


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    order_id: UUID,
    *,
    problem: str | None = None,
    typed: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    with services.database.read() as session:
        order = session.get(TopUpOrder, order_id)
        if order is None:
            raise NotFoundError("there is no top-up with this id")
        given_back = refunds.find_of_orders(session, [order_id])
        person = people.get(session, order.person_id)
        wallet = find_account(session, person.id)
    left = order.amount - order.refunding
    return render_page(
        request,
        "money/refund.html",
        status=status,
        order=order,
        person=person,
        wallet=wallet,
        given_back=given_back,
        left=left,
        typed=write_yuan(left) if typed is None else typed,
        key=new_id(),
        problem=problem,
        is_own=me.person_id == person.id,
        may_refund=order.state in ("credited", "stranded") and left > 0,
    )
