"""Reconciliation: a channel's list of a day beside our books, each difference with what is to be done about it."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from accounts.payments.tables import Charge, ChargeRefund, Merchant
from accounts.principals import Principal
from accounts.topup import acceptance, accepted_differences, channel_days, reconciliation
from accounts.topup.acceptance import Acceptance
from accounts.topup.reconciliation import Difference, DifferenceKind, Reconciliation
from accounts.topup.tables import AcceptedDifference, TopUpOrder, TopUpRefund
from console.dependencies import STAFF, CashierDep, ServicesDep
from console.rendering import DONE, forbid_storing, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.actors import name_actors
from web.problems import ProblemError
from web.text import line
from web.times import Day

router = APIRouter(prefix="/console/money/channels", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_SHOWN = 200
_NOTE: TypeAdapter[str] = TypeAdapter(Annotated[str, line(200)])
Fen = Annotated[int | None, Form(ge=-(2**53), le=2**53)]


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
    return _render(request, me, services, channel, day)


@router.post("/differences", response_class=RedirectResponse, name="money_accept_difference")
def accept(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    channel: Annotated[str, Form(max_length=63)],
    day: Annotated[Day, Form()],
    kind: Annotated[DifferenceKind, Form()],
    about: Annotated[UUID, Form()],
    ours: Fen = None,
    theirs: Fen = None,
    note: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Accept a difference with a note that says why; it is no alarm any more."""
    difference = Difference(kind, about, ours, theirs)
    try:
        wanted = Acceptance(channel, day, difference, _NOTE.validate_python(note.strip()))
        acceptance.accept(services.money, wanted, me, by=me.actor, now=services.now())
    except ValidationError:
        return _render(request, me, services, channel, day, refused=(difference, "money.note_needed"), status=422)
    except ProblemError as error:
        words = "money.difference_gone" if error.status == 404 else f"problem.{error.code}"
        return _render(request, me, services, channel, day, refused=(difference, words), status=error.status)
    return lead_to(
        request, f"{path_to(request, 'money_channels_page')}?channel={channel}&day={day}&{DONE}=difference_accepted"
    )


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    channel: str | None,
    day: Day | None,
    *,
    refused: tuple[Difference, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    last = services.now().astimezone(services.zone).date() - timedelta(days=1)
    day = min(day or last, last + timedelta(days=1))
    found: Reconciliation | None = None
    differences: list[dict[str, Any]] = []
    accepted: list[AcceptedDifference] = []
    problem = None
    if channel:
        try:
            found = reconciliation.reconcile(services.money, channel, day, services.now())
            with services.database.read() as session:
                differences = [_describe(session, one) for one in found.differences[:_SHOWN]]
                accepted = list(accepted_differences.find(session, channel, day))
                session.expunge_all()
        except ProblemError as error:
            problem, status = "money.bill_missing" if error.status == 502 else f"problem.{error.code}", error.status
    with services.database.read() as session:
        differing = channel_days.find_differing(session, last + timedelta(days=1))
    gone = refused is not None and (found is None or refused[0] not in found.differences)
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
        accepted=accepted,
        names=name_actors(services.names, {one.accepted_by for one in accepted}),
        refused=refused,
        left_out=max(0, len(found.differences) - _SHOWN) if found else 0,
        problem=refused[1] if refused and gone and not problem else problem,
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
