"""Odd offline payments: those that wait for somebody's decision, and others with what is odd about them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts import people
from accounts.payments import offline
from accounts.payments.offline_states import OfflineState
from accounts.payments.tables import Merchant, OfflinePayment
from accounts.people.authority import require_another
from accounts.principals import Principal
from accounts.tables import Device, Person
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views import money as views
from web.paging import PageRequest
from web.problems import NotFoundError, ProblemError

router = APIRouter(prefix="/console/money/offline", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ON_A_PAGE = 50


@router.get(
    "",
    dependencies=[record_disclosure("offline_payments.read", "offline_payments:list")],
    response_class=HTMLResponse,
    name="money_offline_page",
)
def show(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    state: Annotated[OfflineState | None, Query()] = OfflineState.WAITING,
    everything: Annotated[bool, Query()] = False,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show what waits, or one state, or everything that is odd."""
    state = None if everything else state
    return _render(request, me, services, state=state, cursor=cursor)


@router.post("/{payment_id}/decision", name="money_decide_offline")
def decide(
    payment_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    accept: Annotated[bool, Form()],
) -> Response:
    """Take the money of a payment that waits, or decline it; nobody decides about their own."""
    try:
        with services.database.read() as session:
            require_another(me, offline.person_of(session, payment_id))
        row = offline.decide(services.money, payment_id, accept=accept, by=me.actor, now=services.now())
    except NotFoundError:
        raise
    except ProblemError as error:
        problem = f"problem.{error.code}"
        return _render(
            request,
            me,
            services,
            state=OfflineState.WAITING,
            problem=problem,
            status=error.status,
        )
    words = {OfflineState.PAID: "offline_taken", OfflineState.DECLINED: "offline_declined"}
    return done(request, "money_offline_page", words.get(OfflineState(row.state), "offline_unpaid"))


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    state: OfflineState | None,
    cursor: str | None = None,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    page = PageRequest(_ON_A_PAGE, cursor)
    with services.database.read() as session:
        rows = offline.flagged(session, state=state, after=page.after(UUID), limit=page.limit + 1)
        shown, following = page.cut(rows, lambda row: row.id)
        persons = people.by_ids(session, {row.person_id for row in shown if row.person_id})
        described = [_describe(session, row, persons, me) for row in shown]
    asked = "everything=true" if state is None else f"state={state}"
    return render_page(
        request,
        "money/offline.html",
        status=status,
        rows=described,
        state=state,
        states=list(OfflineState),
        next=f"{path_to(request, 'money_offline_page')}?{asked}&cursor={following}" if following else None,
        problem=problem,
        ceilings=services.money.ceilings,
    )


def _describe(session: Session, row: OfflinePayment, persons: Mapping[UUID, Person], me: Principal) -> dict[str, Any]:
    merchant, device = session.get(Merchant, row.merchant_id), session.get(Device, row.device_id)
    return {
        "row": row,
        "person": None if row.person_id is None else persons.get(row.person_id),
        "flags": row.flags.split(),
        "merchant": merchant.name if merchant else "",
        "device": device.name if device else "",
        "decided_by": views.actor_name(session, row.decided_by) if row.decided_by else None,
        "is_own": row.person_id == me.person_id,
    }
