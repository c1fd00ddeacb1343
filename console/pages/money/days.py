"""Day-end: the state of each day, what is missing, closing one, its totals, and the sealed journal verified."""

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger import seal_chain, totals
from accounts.ledger.invariants import check_ledger
from accounts.ledger.tables import ALL_ROOMS, ALL_WALLETS, DayClose, LedgerAccount
from accounts.ledger.totals import COUNTERS_KEPT
from accounts.ledger.transfer import AccountKind
from accounts.payments import day_end
from accounts.payments.day_end import DayEndRefusedError
from accounts.principals import Principal
from accounts.topup import cash_book, day_overview
from accounts.topup.cash import counter_of
from accounts.vocabulary import Role
from console.dependencies import AdminDep, CashierDep, ServicesDep
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views import money as views
from web.problems import NotFoundError
from web.times import Day

router = APIRouter(prefix="/console/money/days", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_DAYS = 14
_NAMED = 20


@router.get("", response_class=HTMLResponse, name="money_days_page")
def show(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    last: Annotated[Day | None, Query()] = None,
) -> HTMLResponse:
    """Show two weeks of days, the newest first."""
    return _render(request, me, services, last=last)


@router.post("/verification", response_class=HTMLResponse, name="money_verify")
def verify(request: Request, me: CashierDep, services: ServicesDep, _same_origin: SameOriginDep) -> HTMLResponse:
    """Walk the sealed journal from its first line, and compare every number that follows from it."""
    with services.database.snapshot() as session:
        report = seal_chain.verify(session)
        differences = check_ledger(session, counted_since=services.now() - COUNTERS_KEPT)
    found = {
        "report": report,
        "is_whole": report.whole and not differences,
        "named": [fault.message for fault in report.faults[:_NAMED]] + [str(one) for one in differences[:_NAMED]],
        "at": services.now(),
    }
    return _render(request, me, services, verified=found)


@router.get("/{day}", response_class=HTMLResponse, name="money_day_page")
def show_day(day: Day, request: Request, _me: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show a closed day's totals by merchant, channel, counter and fund, and what was counted in the drawers."""
    with services.database.read() as session:
        closed = session.get(DayClose, day)
        if closed is None:
            raise NotFoundError("this day is not closed")
        found = totals.day_totals(session, day)
        named = _names(session, [one.account for one in found])
        counts = [
            (views.describe_box(session, box), count)
            for (box, _), count in sorted(cash_book.counted_boxes(session, [day]).items())
        ]
        groups = [
            {
                "kind": kind,
                "totals": [(named.get(one.account, ""), one) for one in found if one.kind is kind],
                "opening": sum(one.opening for one in found if one.kind is kind),
                "debits": sum(one.debits for one in found if one.kind is kind),
                "credits": sum(one.credits for one in found if one.kind is kind),
                "closing": sum(one.closing for one in found if one.kind is kind),
            }
            for kind in AccountKind
            if any(one.kind is kind for one in found)
        ]
    return render_page(
        request,
        "money/day.html",
        day=day,
        closed=closed,
        groups=groups,
        counts=counts,
        all_debits=sum(one.debits for one in found),
        all_credits=sum(one.credits for one in found),
    )


@router.post("/{day}/close", name="money_close_day")
def close(
    day: Day,
    request: Request,
    me: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
) -> Response:
    """Close a day that is over; the books are checked first. Again shows the same totals."""
    try:
        day_end.close(services.money, day, services.now())
    except DayEndRefusedError as error:
        refused = (f"problem.{error.code}", error.detail)
        return _render(request, me, services, refused=refused, status=error.status)
    return done(request, "money_day_page", "day_closed", day=day)


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    last: date | None = None,
    refused: tuple[str, str | None] | None = None,
    verified: dict[str, Any] | None = None,
    status: int = 200,
) -> HTMLResponse:
    now = services.now()
    today = now.astimezone(services.zone).date()
    last = min(last or today, today)
    with services.database.read() as session:
        days = day_overview.overview(session, last, _DAYS, services.zone, now)
        cashiers = people.by_ids(session, {one for day in days for one in day.uncounted})
        head = seal_chain.head(session)
    # The days close one after the other: of those that are over only the oldest can be closed without the rest.
    over = [one.day for one in days if one.state is day_overview.DayState.OPEN]
    return render_page(
        request,
        "money/days.html",
        status=status,
        days=days,
        cashiers=cashiers,
        next_to_close=min(over, default=None),
        is_admin=Role.ADMIN in me.roles,
        earlier=last - timedelta(days=_DAYS) if len(days) == _DAYS else None,
        later=min(last + timedelta(days=_DAYS), today) if last < today else None,
        head=head,
        refused=refused,
        verified=verified,
        me=me.person_id,
        own_box=counter_of(me.person_id),
    )


def _names(session: Session, accounts: list[UUID]) -> dict[UUID, str]:
    """Return what the accounts of a day are called; the lines of all wallets and of all rooms have no name."""
    rows = session.execute(select(LedgerAccount).where(LedgerAccount.id.in_(accounts))).scalars()
    named = {
        row.id: views.describe_box(session, row.name).name if row.kind == AccountKind.CASH.value else row.name
        for row in rows
    }
    return {one: name for one, name in named.items() if one not in (ALL_WALLETS, ALL_ROOMS)}
