"""The card centre's and the kiosk's side of top-up: cash, subsidies, refunds, reconciliation."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from accounts import cards, people
from accounts.api.dependencies import (
    DEVICE_ERRORS,
    ROLE_ERRORS,
    AdminDep,
    CashierDep,
    KioskDep,
    NowDep,
)
from accounts.api.disclosures import record_disclosure
from accounts.api.money import MoneyDep
from accounts.api.payments.bodies import CardShown, DecisionIn
from accounts.cards import identity
from accounts.ledger.transfer import Entry
from accounts.payment_channels.channel import ChannelFailedError, ChannelNotConnectedError, ChannelRefundRefusedError
from accounts.payments import problems
from accounts.payments.services import MoneyServices
from accounts.people.authority import OwnAccountError, require_another
from accounts.topup import cash, cash_requests, reconciliation, refunds, subsidies
from accounts.topup.cash import Cash
from accounts.topup.paying_out import BalanceDiffersError
from accounts.topup.reconciliation import DifferenceKind
from accounts.topup.refunds import StrandedRefundError, TopUpRefundRequest
from accounts.topup.subsidies import Grant
from accounts.topup.tables import CashRequest, TopUpOrder
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, ProblemError, responses
from web.text import Slug

router = APIRouter(tags=["card centre"])

Fen = Annotated[int, Field(ge=1, le=1_000_000, description="fen; at most 10,000 yuan")]


class RepeatedPersonError(ProblemError):
    """A person stands in the list twice."""

    code = "person_repeated"
    status = 422
    title = "A person stands in the list twice"


class CashIn(BaseModel):
    """Cash over the counter."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="made by the client; makes repeating safe")
    person_id: UUID
    amount: Fen


class KioskCashIn(BaseModel):
    """Cash in a kiosk, for the holder of a card."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="made by the kiosk; makes repeating safe")
    card: CardShown
    amount: Fen


class CashOut(BaseModel):
    """Cash that changed hands, and the wallet's balance after it; or that waits for a second person (status 202)."""

    id: UUID
    amount: int
    balance: int | None
    at: datetime
    state: Literal["done", "waiting", "declined"] = "done"


class CashRequestOut(BaseModel):
    """Cash above the ceiling, and what was decided about it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    purpose: str = Field(description="`cash_in` or `cash_out`")
    box: str
    person_id: UUID
    amount: int
    state: Literal["waiting", "done", "declined"]
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class GrantIn(BaseModel):
    """One person of a list."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    amount: Fen


class SubsidyIn(BaseModel):
    """A list of subsidies from one fund. Send it again when the answer was lost; each person is credited once."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    fund: Slug
    grants: list[GrantIn] = Field(min_length=1, max_length=10_000)


class GrantOut(BaseModel):
    """What became of one of them."""

    person_id: UUID
    amount: int
    credited: bool
    reason: str | None


class TopUpRefundIn(BaseModel):
    """A top-up to be given back through its channel."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    amount: Fen


class TopUpRefundOut(BaseModel):
    """A refund of a top-up as it stands."""

    id: UUID
    order_id: UUID
    amount: int
    state: str


class DifferenceOut(BaseModel):
    """An id on which our books and the channel's bill differ."""

    kind: DifferenceKind
    id: UUID
    ours: int | None
    theirs: int | None


class ReconciliationOut(BaseModel):
    """A channel's day: sums in fen, payments less refunds."""

    channel: str
    day: date
    lines: int
    ours: int
    theirs: int
    differences: list[DifferenceOut]


_COUNTER_ERRORS = responses(*ROLE_ERRORS, NotFoundError, OwnAccountError, BalanceDiffersError, *problems.LEDGER_ERRORS)


@router.post("/cash-top-ups", status_code=201, responses=_COUNTER_ERRORS)
def pay_cash_in(services: MoneyDep, cashier: CashierDep, now: NowDep, body: CashIn, response: Response) -> CashOut:
    """Credit cash paid in at the counter; above the ceiling of an account and day it waits for an admin (202)."""
    require_another(cashier, body.person_id)
    _require_person(services, body.person_id)
    wanted = Cash(body.id, f"counter:{cashier.person_id}", body.person_id, body.amount)
    return _cash_out(cash.pay_in(services, wanted, by=cashier.actor, now=now), response)


@router.post("/cash-payouts", status_code=201, responses=_COUNTER_ERRORS)
def pay_cash_out(services: MoneyDep, cashier: CashierDep, now: NowDep, body: CashIn, response: Response) -> CashOut:
    """Pay a part of a balance out in cash, as when someone leaves; above the ceiling it waits likewise."""
    require_another(cashier, body.person_id)
    _require_person(services, body.person_id)
    wanted = Cash(body.id, f"counter:{cashier.person_id}", body.person_id, body.amount)
    return _cash_out(cash.pay_out(services, wanted, by=cashier.actor, now=now), response)


@router.get(
    "/cash-requests",
    dependencies=[record_disclosure("cash_requests.read", "cash_requests:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_cash_requests(services: MoneyDep, _cashier: CashierDep, page: PageDep) -> Page[CashRequestOut]:
    """List cash above the ceiling that waits for a second person."""
    with services.database.read() as session:
        rows = cash_requests.waiting(session, after=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: row.id)
    return Page(items=[CashRequestOut.model_validate(row) for row in shown], next=following)


@router.post(
    "/cash-requests/{request_id}/decision",
    responses=responses(
        *ROLE_ERRORS,
        NotFoundError,
        OwnAccountError,
        cash_requests.AskerDecidesError,
        cash_requests.CashRequestDecidedError,
        BalanceDiffersError,
        *problems.LEDGER_ERRORS,
    ),
)
def decide_cash_request(
    services: MoneyDep, admin: AdminDep, now: NowDep, request_id: UUID, body: DecisionIn
) -> CashRequestOut:
    """Let the cash move, or decline it: an administrator, and neither who asked nor whose account it is."""
    with services.database.read() as session:
        require_another(admin, cash_requests.person_of(session, request_id))
    decided = cash.decide(services, request_id, accept=body.accept, by=admin.actor, now=now)
    return CashRequestOut.model_validate(decided)


@router.post(
    "/kiosk/cash-top-ups",
    status_code=201,
    responses=responses(
        *DEVICE_ERRORS, cards.InvalidUidError, cards.UnknownCardError, NotFoundError, *problems.LEDGER_ERRORS
    ),
)
def pay_cash_in_at_kiosk(
    services: MoneyDep, kiosk: KioskDep, now: NowDep, body: KioskCashIn, response: Response
) -> CashOut:
    """Credit cash put into a kiosk to a card's account; a lost card's too, the money is its holder's.

    Above the ceiling of an account and day it waits for an administrator (202).
    """
    with services.database.read() as session:
        holder = identity.find(session, body.card.presented(), services.accounts.code_key, now=now)
        person_id = holder.person.id
    wanted = Cash(body.id, f"{cash.KIOSK}{kiosk.device_id}", person_id, body.amount)
    out = _cash_out(cash.pay_in(services, wanted, by=kiosk.actor, now=now), response)
    # Whoever stands at the kiosk has a card and no password: they put money in and do not learn what is there.
    return out.model_copy(update={"balance": None})


@router.post("/subsidies", responses=responses(*ROLE_ERRORS, OwnAccountError, RepeatedPersonError))
def pay_subsidies(services: MoneyDep, admin: AdminDep, now: NowDep, body: SubsidyIn) -> list[GrantOut]:
    """Credit a list of people from a fund."""
    if len({grant.person_id for grant in body.grants}) != len(body.grants):
        raise RepeatedPersonError
    for grant in body.grants:
        require_another(admin, grant.person_id)
    grants = [Grant(grant.person_id, grant.amount) for grant in body.grants]
    results = subsidies.pay(services, body.id, body.fund, grants, by=admin.actor, now=now)
    return [
        GrantOut(person_id=one.person_id, amount=one.amount, credited=one.credited, reason=one.reason)
        for one in results
    ]


@router.post(
    "/top-ups/{order_id}/refunds",
    status_code=201,
    responses=responses(
        *ROLE_ERRORS,
        NotFoundError,
        OwnAccountError,
        ChannelNotConnectedError,
        BalanceDiffersError,
        *problems.LEDGER_ERRORS,
        StrandedRefundError,
        ChannelFailedError,
        ChannelRefundRefusedError,
    ),
)
def refund_top_up(
    services: MoneyDep, cashier: CashierDep, now: NowDep, order_id: UUID, body: TopUpRefundIn
) -> TopUpRefundOut:
    """Give a part of a top-up back through its channel."""
    with services.database.read() as session:
        order = session.get(TopUpOrder, order_id)
        require_another(cashier, order.person_id if order is not None else None)
    made = refunds.refund(services, TopUpRefundRequest(body.id, order_id, body.amount), by=cashier.actor, now=now)
    return TopUpRefundOut(id=made.id, order_id=made.order_id, amount=made.amount, state=made.state)


@router.get(
    "/channels/{channel}/days/{day}",
    responses=responses(*ROLE_ERRORS, ChannelNotConnectedError, ChannelFailedError),
)
def reconcile(services: MoneyDep, _cashier: CashierDep, now: NowDep, channel: Slug, day: date) -> ReconciliationOut:
    """Compare our books with a channel's bill of a day."""
    found = reconciliation.reconcile(services, channel, day, now)
    differences = [
        DifferenceOut(kind=one.kind, id=one.id, ours=one.ours, theirs=one.theirs) for one in found.differences
    ]
    return ReconciliationOut(
        channel=found.channel,
        day=found.day,
        lines=found.lines,
        ours=found.ours,
        theirs=found.theirs,
        differences=differences,
    )


def _require_person(services: MoneyServices, person_id: UUID) -> None:
    with services.database.read() as session:
        people.get(session, person_id)


def _cash_out(moved: Entry | CashRequest, response: Response) -> CashOut:
    if isinstance(moved, Entry):
        balance = moved.credit_balance if moved.purpose == cash.IN else moved.debit_balance
        return CashOut(id=moved.id, amount=moved.amount, balance=balance, at=moved.occurred_at)
    request = CashRequestOut.model_validate(moved)
    response.status_code = 202 if request.state == cash_requests.WAITING else 201
    return CashOut(id=request.id, amount=request.amount, balance=None, at=request.asked_at, state=request.state)
