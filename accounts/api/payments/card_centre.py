"""The card centre's side of payments: merchants, services, refunds at the counter, odd offline payments, day-end."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import ROLE_ERRORS, AdminDep, CashierDep, DatabaseDep, NowDep
from accounts.api.disclosures import record_disclosure
from accounts.api.money import MoneyDep
from accounts.api.payments.bodies import CorrectionOut, CounterRefundIn, DecisionIn
from accounts.ledger import totals
from accounts.ledger.transfer import AccountKind
from accounts.payments import counter_refunds, day_end, merchants, offline, problems
from accounts.payments.counter_refunds import CounterRefund
from accounts.payments.day_end import DayEndRefusedError
from accounts.payments.merchants import MerchantNameTakenError
from accounts.payments.offline_review import OfflinePaymentDecidedError
from accounts.payments.offline_states import OfflineState
from accounts.payments.tables import Merchant, OfflinePayment
from accounts.people.authority import OwnAccountError, require_another
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Line, Slug

router = APIRouter(prefix="/api/v1", tags=["card centre"])

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1), description="a day of the campus's calendar")]


class MerchantIn(BaseModel):
    """A place that takes payments."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    campus: Slug
    service: Slug


class MerchantOut(MerchantIn):
    """A registered merchant."""

    id: UUID

    @classmethod
    def of(cls, merchant: Merchant) -> "MerchantOut":
        """Show `merchant`."""
        return cls(id=merchant.id, name=merchant.name, campus=merchant.campus, service=merchant.service)


class CampusesIn(BaseModel):
    """The campuses on which a service is enabled."""

    model_config = ConfigDict(extra="forbid")

    campuses: list[Slug] = Field(max_length=100)


class TotalOut(BaseModel):
    """One account's day, in fen; wallets are one line, with the id of zeros."""

    account: UUID
    kind: AccountKind
    opening: int
    debits: int
    credits: int
    closing: int


class OfflinePaymentOut(BaseModel):
    """An offline payment that someone should look at."""

    id: UUID
    merchant_id: UUID
    person_id: UUID | None
    amount: int
    occurred_at: datetime
    received_at: datetime
    state: str
    flags: list[str]
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: OfflinePayment) -> "OfflinePaymentOut":
        """Show `row`."""
        return cls.model_validate(
            {name: getattr(row, name) for name in cls.model_fields if name != "flags"} | {"flags": row.flags.split()}
        )


@router.post("/merchants", status_code=201, responses=responses(*ROLE_ERRORS, MerchantNameTakenError))
def add_merchant(database: DatabaseDep, admin: AdminDep, now: NowDep, body: MerchantIn) -> MerchantOut:
    """Register a merchant."""
    with database.begin() as session:
        made = merchants.add(session, name=body.name, campus=body.campus, service=body.service, by=admin.actor, now=now)
        return MerchantOut.of(made)


@router.get("/merchants", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_merchants(database: DatabaseDep, _cashier: CashierDep, page: PageDep) -> Page[MerchantOut]:
    """List merchants in the order they were added."""
    with database.read() as session:
        rows = merchants.find(session, after=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: row.id)
    return Page(items=[MerchantOut.of(row) for row in shown], next=following)


@router.put("/services/{service}/campuses", responses=responses(*ROLE_ERRORS))
def set_campuses(database: DatabaseDep, admin: AdminDep, now: NowDep, service: Slug, body: CampusesIn) -> CampusesIn:
    """Enable a service on exactly these campuses."""
    with database.begin() as session:
        merchants.set_campuses(session, service, body.campuses, by=admin.actor, now=now)
        return CampusesIn(campuses=list(merchants.campuses_of(session, service)))


@router.get("/services/{service}/campuses", responses=responses(*ROLE_ERRORS))
def read_campuses(database: DatabaseDep, _cashier: CashierDep, service: Slug) -> CampusesIn:
    """Show on which campuses a service is enabled."""
    with database.read() as session:
        return CampusesIn(campuses=list(merchants.campuses_of(session, service)))


@router.post(
    "/payments/{payment_id}/counter-refunds",
    status_code=201,
    responses=responses(*ROLE_ERRORS, NotFoundError, OwnAccountError, *problems.LEDGER_ERRORS),
)
def refund_at_counter(
    services: MoneyDep, cashier: CashierDep, now: NowDep, payment_id: UUID, body: CounterRefundIn
) -> CorrectionOut:
    """Give a wallet's payment back where its terminal cannot; all refunds together are at most the payment."""
    wanted = CounterRefund(body.id, payment_id, body.amount, body.reason)
    made = counter_refunds.refund(services, wanted, cashier, now=now)
    return CorrectionOut(id=made.id, payment_id=payment_id, state="paid", amount=made.amount)


@router.get(
    "/offline-payments",
    dependencies=[record_disclosure("offline_payments.read", "offline_payments:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_odd_offline_payments(
    database: DatabaseDep, _cashier: CashierDep, page: PageDep, state: OfflineState | None = None
) -> Page[OfflinePaymentOut]:
    """List offline payments that are flagged, unpaid or refused, or wait for a decision (`state=waiting`)."""
    with database.read() as session:
        rows = offline.flagged(session, state=state, after=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: row.id)
    return Page(items=[OfflinePaymentOut.of(row) for row in shown], next=following)


@router.post(
    "/offline-payments/{payment_id}/decision",
    responses=responses(*ROLE_ERRORS, NotFoundError, OwnAccountError, OfflinePaymentDecidedError),
)
def decide_offline_payment(
    services: MoneyDep, cashier: CashierDep, now: NowDep, payment_id: UUID, body: DecisionIn
) -> OfflinePaymentOut:
    """Take the money of an offline payment that waits, or decline it. The same decision again changes nothing."""
    with services.database.read() as session:
        require_another(cashier, offline.person_of(session, payment_id))
    return OfflinePaymentOut.of(offline.decide(services, payment_id, accept=body.accept, by=cashier.actor, now=now))


@router.post("/days/{day}/close", responses=responses(*ROLE_ERRORS, DayEndRefusedError))
def close_day(services: MoneyDep, _admin: AdminDep, now: NowDep, day: Day) -> list[TotalOut]:
    """Close a day and show its totals; again shows the same ones."""
    return _totals_out(day_end.close(services, day, now))


@router.get("/days/{day}", responses=responses(*ROLE_ERRORS, NotFoundError))
def read_day(database: DatabaseDep, _cashier: CashierDep, day: Day) -> list[TotalOut]:
    """Show a closed day's totals by merchant, channel, cash box and fund."""
    with database.read() as session:
        found = totals.day_totals(session, day)
    if not found:
        raise NotFoundError("this day is not closed")
    return _totals_out(found)


def _totals_out(found: Sequence[totals.Total]) -> list[TotalOut]:
    return [
        TotalOut(
            account=one.account,
            kind=one.kind,
            opening=one.opening,
            debits=one.debits,
            credits=one.credits,
            closing=one.closing,
        )
        for one in found
    ]
