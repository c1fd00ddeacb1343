"""Cash at the counter and at kiosks, and the decisions about what is above the ceiling."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from accounts import cards
from accounts.api.dependencies import DEVICE_ERRORS, ROLE_ERRORS, AdminDep, CashierDep, KioskDep, NowDep
from accounts.api.disclosures import record_disclosure
from accounts.api.money import MoneyDep
from accounts.api.payments.bodies import CardShown, DecisionIn
from accounts.api.topup.bodies import Fen
from accounts.cards import identity
from accounts.ledger.transfer import Entry
from accounts.payments import problems
from accounts.payments.services import MoneyServices
from accounts.people.authority import OwnAccountError, require_another
from accounts.principals import Principal
from accounts.topup import cash, cash_requests
from accounts.topup.cash import Cash
from accounts.topup.paying_out import BalanceDiffersError
from accounts.topup.tables import CashRequest
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["card centre"])


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


_COUNTER_ERRORS = responses(*ROLE_ERRORS, NotFoundError, OwnAccountError, BalanceDiffersError, *problems.LEDGER_ERRORS)


@router.post("/cash-top-ups", status_code=201, responses=_COUNTER_ERRORS)
def pay_cash_in(services: MoneyDep, cashier: CashierDep, now: NowDep, body: CashIn, response: Response) -> CashOut:
    """Credit cash paid in at the counter; above the ceiling of an account and day it waits for an admin (202)."""
    wanted = _wanted_at_counter(services, cashier, body)
    return _cash_out(cash.pay_in(services, wanted, by=cashier.actor, now=now), response)


@router.post("/cash-payouts", status_code=201, responses=_COUNTER_ERRORS)
def pay_cash_out(services: MoneyDep, cashier: CashierDep, now: NowDep, body: CashIn, response: Response) -> CashOut:
    """Pay a part of a balance out in cash, as when someone leaves; above the ceiling it waits likewise."""
    wanted = _wanted_at_counter(services, cashier, body)
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


def _wanted_at_counter(services: MoneyServices, cashier: Principal, body: CashIn) -> Cash:
    """Return what the cashier wants to move, of a person there is and not of themselves."""
    with services.database.read() as session:
        return cash.at_counter(session, cashier, body.id, body.person_id, body.amount)


def _cash_out(moved: Entry | CashRequest, response: Response) -> CashOut:
    if isinstance(moved, Entry):
        balance = moved.credit_balance if moved.purpose == cash.IN else moved.debit_balance
        return CashOut(id=moved.id, amount=moved.amount, balance=balance, at=moved.occurred_at)
    request = CashRequestOut.model_validate(moved)
    response.status_code = 202 if request.state == cash_requests.WAITING else 201
    return CashOut(id=request.id, amount=request.amount, balance=None, at=request.asked_at, state=request.state)
