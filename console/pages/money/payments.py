"""A merchant's payment given back at the counter, where the terminal that took it cannot."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError

from accounts import people
from accounts.payments import counter_refunds
from accounts.payments.counter_refunds import CounterRefund
from accounts.payments.tables import Merchant
from accounts.principals import Principal
from console.amounts import AmountError, read_yuan, write_yuan
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from web.problems import NotFoundError, ProblemError
from web.text import line

router = APIRouter(prefix="/console/money/payments", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_REASON: TypeAdapter[str] = TypeAdapter(Annotated[str, line(200)])


@router.get(
    "/{payment_id}",
    dependencies=[record_disclosure("payment.read", "payment:{payment_id}")],
    response_class=HTMLResponse,
    name="money_payment_page",
)
def show(payment_id: UUID, request: Request, me: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show a payment, what was given back of it, and the form to give back more."""
    return _render(request, me, services, payment_id)


@router.post("/{payment_id}/refunds", name="money_refund_payment")
def refund(
    payment_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Annotated[UUID, Form()],
    amount: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Give a part of it back; the same form sent again gives back once."""
    typed = {"amount": amount, "reason": reason}
    try:
        wanted = CounterRefund(key, payment_id, read_yuan(amount), _REASON.validate_python(reason))
        counter_refunds.refund(services.money, wanted, me, now=services.now())
    except AmountError as error:
        return _render(request, me, services, payment_id, problems={"amount": error.words}, typed=typed, status=422)
    except ValidationError:
        problems = {"reason": "money.payment_reason_needed"}
        return _render(request, me, services, payment_id, problems=problems, typed=typed, status=422)
    except NotFoundError:
        raise
    except ProblemError as error:
        problems = {"amount": f"problem.{error.code}"}
        return _render(request, me, services, payment_id, problems=problems, typed=typed, status=error.status)
    return done(request, "money_payment_page", "payment_refunded", payment_id=payment_id)


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    payment_id: UUID,
    *,
    problems: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    with services.database.read() as session:
        paid = counter_refunds.get_payment(session, payment_id)
        given_back = counter_refunds.find_given_back(session, payment_id)
        person = people.get(session, paid.debit)
        merchant = session.get(Merchant, paid.credit)
    left = paid.amount - sum(one.amount for one in given_back)
    return render_page(
        request,
        "money/payment.html",
        status=status,
        paid=paid,
        person=person,
        merchant=merchant,
        given_back=given_back,
        left=left,
        typed=typed or {"amount": write_yuan(left), "reason": ""},
        key=new_id(),
        problems=problems or {},
        is_own=me.person_id == person.id,
    )
