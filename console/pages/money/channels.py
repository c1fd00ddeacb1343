"""Reconciliation: a channel's list of a day beside our books, each difference with what is to be done about it."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts.payments.tables import Charge, ChargeRefund, Merchant
from accounts.topup import channel_days, reconciliation
from accounts.topup.reconciliation import Difference, Reconciliation
from accounts.topup.tables import TopUpOrder, TopUpRefund
from console.dependencies import STAFF, CashierDep, ServicesDep
from console.rendering import forbid_storing, render_page
from web.problems import ProblemError
from web.times import Day

router = APIRouter(prefix="/console/money/channels", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_SHOWN = 200


@router.get("", response_class=HTMLResponse, name="money_channels_page")
def show(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    channel: Annotated[str | None, Query(max_length=63)] = None,
    day: Annotated[Day | None, Query()] = None,
) -> HTMLResponse:
    """Compare a channel's day with our books, once a channel is chosen; what only the channel knows is asked for."""
    last = services.now().astimezone(services.zone).date() - timedelta(days=1)
    day = min(day or last, last + timedelta(days=1))
    found: Reconciliation | None = None
    differences: list[dict[str, Any]] = []
    problem, status = None, 200
    if channel:
        try:
            found = reconciliation.reconcile(services.money, channel, day, services.now())
            with services.database.read() as session:
                differences = [_describe(session, one) for one in found.differences[:_SHOWN]]
        except ProblemError as error:
            problem, status = "money.bill_missing" if error.status == 502 else f"problem.{error.code}", error.status
    with services.database.read() as session:
        differing = channel_days.find_differing(session, last + timedelta(days=1))
    return render_page(
        request,
        "money/channels.html",
        differing=differing,
        status=status,
        channels=sorted(services.money.channels),
        channel=channel,
        day=day,
        last=last,
        found=found,
        differences=differences,
        left_out=max(0, len(found.differences) - _SHOWN) if found else 0,
        problem=problem,
        is_staff=bool(me.roles & STAFF),
    )


def _describe(session: Session, one: Difference) -> dict[str, Any]:
    """Return a difference with what we know of it, and where somebody looks next."""
    return {"difference": one} | _find_ours(session, one.id)


def _find_ours(session: Session, which: UUID) -> dict[str, Any]:
    order = session.get(TopUpOrder, which)
    refund = session.get(TopUpRefund, which)
    if refund is not None:
        order = session.get(TopUpOrder, refund.order_id)
    if order is not None:
        what = "money.of_top_up" if refund is None else "money.of_refund"
        return {"what": what, "state": (refund or order).state, "at": order.created_at, "order": order, "place": None}
    charge = session.get(Charge, which)
    given_back = session.get(ChargeRefund, which)
    if given_back is not None:
        charge = session.get(Charge, given_back.charge_id)
    if charge is not None:
        merchant = session.get(Merchant, charge.merchant_id)
        return {
            "what": "money.of_charge" if given_back is None else "money.of_charge_refund",
            "state": (given_back or charge).state,
            "at": charge.created_at,
            "order": None,
            "place": None if merchant is None else merchant.name,
        }
    return {"what": "money.of_nothing", "state": None, "at": None, "order": None, "place": None}
