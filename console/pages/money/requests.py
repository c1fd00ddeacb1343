"""Cash above the ceiling: what waits for a second person, and what was decided."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger import find_account
from accounts.people.authority import require_another
from accounts.principals import Principal
from accounts.topup import cash, cash_requests
from accounts.topup.tables import CashRequest
from accounts.vocabulary import Role
from console.dependencies import AdminDep, CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views import money as views
from web.paging import PageRequest
from web.problems import NotFoundError, ProblemError

router = APIRouter(prefix="/console/money/requests", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ON_A_PAGE = 50
_DECIDED = 20


@router.get(
    "",
    dependencies=[record_disclosure("cash_requests.read", "cash_requests:list")],
    response_class=HTMLResponse,
    name="money_requests_page",
)
def show(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show what waits, oldest first, and what was decided last."""
    return _render(request, me, services, cursor=cursor)


@router.post("/{request_id}/decision", name="money_decide_request")
def decide(
    request_id: UUID,
    request: Request,
    me: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    accept: Annotated[bool, Form()],
) -> Response:
    """Let the cash move, or decline it: an administrator, and neither who asked nor whose account it is."""
    try:
        with services.database.read() as session:
            require_another(me, cash_requests.person_of(session, request_id))
        cash.decide(services.money, request_id, accept=accept, by=me.actor, now=services.now())
    except NotFoundError:
        raise
    except ProblemError as error:
        return _render(request, me, services, problem=f"problem.{error.code}", status=error.status)
    return done(request, "money_requests_page", "cash_let" if accept else "cash_declined")


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    cursor: str | None = None,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    page = PageRequest(_ON_A_PAGE, cursor)
    with services.database.read() as session:
        rows = cash_requests.waiting(session, after=page.after(UUID), limit=page.limit + 1)
        waiting, following = page.cut(rows, lambda row: row.id)
        decided = cash_requests.find_recent(session, is_waiting=False, limit=_DECIDED)
        persons = people.by_ids(session, {one.person_id for one in (*waiting, *decided)})
        described = [views.describe_request(session, one, persons) | _may(me, one) for one in waiting]
        over = [views.describe_request(session, one, persons) for one in decided]
        balances = {one.person_id: _balance(session, one) for one in waiting}
    return render_page(
        request,
        "money/requests.html",
        status=status,
        waiting=described,
        balances=balances,
        decided=over,
        next=following,
        problem=problem,
        ceilings=services.money.ceilings,
    )


def _may(me: Principal, asked: CashRequest) -> dict[str, Any]:
    """Return why somebody may not decide, as a key; None where they may."""
    if Role.ADMIN not in me.roles:
        why = "money.decided_by_admin"
    elif asked.asked_by == me.actor:
        why = "money.decided_by_another"
    elif asked.person_id == me.person_id:
        why = "money.decided_not_for_oneself"
    else:
        why = None
    return {"why_not": why}


def _balance(session: Session, asked: CashRequest) -> int | None:
    wallet = find_account(session, asked.person_id)
    return None if wallet is None else wallet.balance
