"""Cash at the counter and at kiosks. Each cashier and each kiosk has a cash account: its day total is what is in it.

Above a ceiling for one account and day nothing moves until a second person has decided (`cash_requests`).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger.chart import account, close_or_suspend, named_account, open_named, set_state
from accounts.ledger.posting import find, record
from accounts.ledger.tables import JournalTransfer
from accounts.ledger.transfer import AccountKind, AccountState, Entry, Transfer
from accounts.payments import offline
from accounts.payments.ceilings import DAY, Ceilings
from accounts.payments.problems import require
from accounts.payments.services import MoneyServices
from accounts.people.authority import Acting, require_another
from accounts.tables import Person
from accounts.topup import cash_requests, money_trail
from accounts.topup.paying_out import require_right_balance
from accounts.topup.tables import CashRequest
from accounts.vocabulary import PersonState

IN, OUT = "cash_in", "cash_out"
KIOSK = "kiosk:"
"""How the boxes of kiosks are named."""


COUNTER = "counter:"
"""How the boxes of cashiers are named."""


@dataclass(frozen=True, slots=True)
class Cash:
    """Cash that changes hands at `box` (`counter:<person>` or `kiosk:<device>`); the same id again moves it once."""

    id: UUID
    box: str
    person_id: UUID
    amount: int


def at_counter(session: Session, cashier: Acting, transfer_id: UUID, person_id: UUID, amount: int) -> Cash:
    """Return cash that a cashier wants to move at their counter, of a person there is and not of themselves.

    Raises:
        OwnAccountError, NotFoundError: see there.
    """
    require_another(cashier, person_id)
    people.get(session, person_id)
    return Cash(transfer_id, counter_of(cashier.person_id), person_id, amount)


def counter_of(cashier_id: UUID) -> str:
    """Return the name of a cashier's box."""
    return f"{COUNTER}{cashier_id}"


def pay_in(services: MoneyServices, cash: Cash, *, by: str, now: datetime) -> Entry | CashRequest:
    """Credit cash that was paid in, or note it for a second person where it is above the ceiling.

    Raises:
        ProblemError: the ledger refused, or the id was used for something else.
    """
    return _move(services, IN, cash, by=by, now=now)


def pay_out(services: MoneyServices, cash: Cash, *, by: str, now: datetime) -> Entry | CashRequest:
    """Pay a part of a wallet out. Of a closed account too: whoever left gets the rest, and then the wallet closes.

    Raises:
        ProblemError: the ledger refused, or the id was used for something else.
    """
    return _move(services, OUT, cash, by=by, now=now)


def decide(services: MoneyServices, request_id: UUID, *, accept: bool, by: str, now: datetime) -> CashRequest:
    """Move the cash of a request, or let it be; the same decision again changes nothing.

    Raises:
        NotFoundError, cash_requests.CashRequestDecidedError, cash_requests.AskerDecidesError: see there.
        ProblemError: the ledger refused; the request waits on.
    """

    def work(session: Session, _now: datetime) -> CashRequest:
        request = cash_requests.get_for_decision(session, request_id, accept=accept, by=by)
        if request.state == cash_requests.WAITING:
            if accept:
                cash = Cash(request.id, request.box, request.person_id, request.amount)
                _record(session, request.purpose, cash, request.asked_by, now)
            cash_requests.record_decision(session, request, accept=accept, by=by, now=now)
        return request

    request = services.writer.run(work)
    if request.purpose == IN and accept:
        offline.collect_unpaid(services, request.person_id, now)
    return request


def _move(services: MoneyServices, purpose: str, cash: Cash, *, by: str, now: datetime) -> Entry | CashRequest:
    def work(session: Session, _now: datetime) -> Entry | CashRequest:
        # Locked first, so that two requests at once cannot both be the last below the ceiling.
        session.get(Person, cash.person_id, with_for_update=True)
        requested = cash_requests.RequestedCash(cash.id, purpose, cash.box, cash.person_id, cash.amount)
        if (known := cash_requests.find(session, requested)) is not None:
            return known
        if find(session, cash.id) is None and _is_above(session, cash, services.ceilings, now):
            return cash_requests.add(session, requested, by=by, now=now)
        return _record(session, purpose, cash, by, now)

    moved = services.writer.run(work)
    if purpose == IN and isinstance(moved, Entry):
        offline.collect_unpaid(services, cash.person_id, now)
    return moved


def _is_above(session: Session, cash: Cash, ceilings: Ceilings, now: datetime) -> bool:
    """Whether the last day's cash of the account, in and out, or of the kiosk would be above its ceiling."""
    if _of_day(session, cash.person_id, now) + cash.amount > ceilings.cash_day:
        return True
    if not cash.box.startswith(KIOSK):
        return False
    box = named_account(AccountKind.CASH, cash.box)
    return _of_day(session, box, now) + cash.amount > ceilings.kiosk_day


def _of_day(session: Session, account_id: UUID, now: datetime) -> int:
    query = select(func.coalesce(func.sum(JournalTransfer.amount), 0)).where(
        or_(JournalTransfer.debit == account_id, JournalTransfer.credit == account_id),
        JournalTransfer.purpose.in_((IN, OUT)),
        JournalTransfer.recorded_at > now - DAY,
    )
    return int(session.scalar(query) or 0)


def _record(session: Session, purpose: str, cash: Cash, by: str, now: datetime) -> Entry:
    box = open_named(session, AccountKind.CASH, cash.box, now)
    if purpose == IN:
        return _write(session, Transfer(cash.id, IN, box, cash.person_id, cash.amount), cash, by, now)
    leaving = _left_with_money(session, cash.person_id)
    if leaving:
        set_state(session, cash.person_id, AccountState.ACTIVE)
    entry = _write(session, Transfer(cash.id, OUT, cash.person_id, box, cash.amount), cash, by, now)
    require_right_balance(session, cash.person_id)
    if leaving:
        session.expire_all()
        close_or_suspend(session, cash.person_id)
    return entry


def _left_with_money(session: Session, person_id: UUID) -> bool:
    """Whether the account is closed and its wallet waits for the rest to be paid out; locks the person."""
    person = session.get(Person, person_id, with_for_update=True)
    closed = person is not None and person.state is PersonState.CLOSED
    return closed and account(session, person_id).state is AccountState.SUSPENDED


def _write(session: Session, transfer: Transfer, cash: Cash, by: str, now: datetime) -> Entry:
    outcome = record(session, [transfer], now)[0]
    entry = require(outcome)
    if not outcome.replayed:
        money_trail.record(session, transfer.purpose, cash.person_id, cash.amount, cash.id, by=by, now=now)
    return entry
