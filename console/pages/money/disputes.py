"""Showers that their holders say were charged wrongly: money is given back, or declined, with an answer to them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError

from accounts import people
from accounts.people.authority import require_another
from accounts.principals import Principal
from console.amounts import AmountError, read_yuan
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views import metering_showers as showers
from metering.sessions import disputes
from metering.sessions.disputes import WaterDisputeState
from web.paging import PageRequest
from web.problems import NotFoundError, ProblemError
from web.text import line

router = APIRouter(prefix="/console/money/disputes", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ON_A_PAGE = 20
_ANSWER: TypeAdapter[str] = TypeAdapter(Annotated[str, line(500)])


@router.get(
    "",
    dependencies=[record_disclosure("water_disputes.read", "water_disputes:list")],
    response_class=HTMLResponse,
    name="money_disputes_page",
)
def show(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show what waits for an answer, the oldest first."""
    return _render(request, me, services, cursor=cursor)


@router.post("/{dispute_id}/decision", name="money_decide_dispute")
def decide(
    dispute_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    amount: Annotated[str, Form(max_length=40)] = "",
    answer: Annotated[str, Form(max_length=600)] = "",
) -> Response:
    """Give an amount back, or decline with nothing; the same decision again changes nothing."""
    try:
        fen = read_yuan(amount.strip() or "0", least=0)
        said = _ANSWER.validate_python(answer)
        with services.database.read() as session:
            require_another(me, disputes.person_of(session, dispute_id))
        disputes.decide(services.money, dispute_id, refund=fen, answer=said, by=me.actor, now=services.now())
    except AmountError as error:
        refused, status = {"amount": error.words}, 422
    except ValidationError:
        refused, status = {"answer": "money.answer_missing"}, 422
    except NotFoundError:
        raise
    except ProblemError as error:
        refused, status = {"amount": f"problem.{error.code}"}, error.status
    else:
        words = "dispute_paid" if fen else "dispute_declined"
        return done(request, "money_disputes_page", words)
    typed = {"of": dispute_id, "amount": amount, "answer": answer}
    return _render(request, me, services, problems=refused, typed=typed, status=status)


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    cursor: str | None = None,
    problems: dict[str, str] | None = None,
    typed: dict[str, Any] | None = None,
    status: int = 200,
) -> HTMLResponse:
    page = PageRequest(_ON_A_PAGE, cursor)
    with services.database.read() as session:
        found = disputes.find_disputes(
            session, state=WaterDisputeState.OPEN, after=page.after(UUID), limit=page.limit + 1
        )
        shown, following = page.cut(found, lambda row: row.id)
        persons = people.by_ids(session, {one.person_id for one in shown})
        described = [
            showers.describe_dispute(session, one, showers.session_of(session, one), {})
            | {"person": persons.get(one.person_id), "is_own": one.person_id == me.person_id}
            for one in shown
        ]
    return render_page(
        request,
        "money/disputes.html",
        status=status,
        disputes=described,
        next=following,
        problems=problems or {},
        typed=typed or {},
    )
