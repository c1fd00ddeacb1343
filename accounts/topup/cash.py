"""Cash at the counter and at kiosks. Each cashier and each kiosk has a cash account: its day total is what is in it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger.chart import account, close_or_suspend, open_named, set_state
from accounts.ledger.posting import record
from accounts.ledger.transfer import AccountKind, AccountState, Entry, Transfer
from accounts.payments import offline
from accounts.payments.problems import require
from accounts.payments.services import MoneyServices
from accounts.tables import Person
from accounts.vocabulary import PersonState


@dataclass(frozen=True, slots=True)
class Cash:
    """Cash that changes hands at `box` (`counter:<person>` or `kiosk:<device>`); the same id again moves it once."""

    id: UUID
    box: str
    person_id: UUID
    amount: int


def pay_in(services: MoneyServices, cash: Cash, *, by: str, now: datetime) -> Entry:
    """Credit cash that was paid in.

    Raises:
        ProblemError: the ledger refused.
    """

    def work(session: Session, _now: datetime) -> Entry:
        box = open_named(session, AccountKind.CASH, cash.box, now)
        return _record(session, Transfer(cash.id, "cash_in", box, cash.person_id, cash.amount), cash, by, now)

    entry = services.writer.run(work)
    offline.collect_unpaid(services, cash.person_id, now)
    return entry


def pay_out(services: MoneyServices, cash: Cash, *, by: str, now: datetime) -> Entry:
    """Pay a part of a wallet out. Of a closed account too: whoever left gets the rest, and then the wallet closes.

    Raises:
        ProblemError: the ledger refused.
    """

    def work(session: Session, _now: datetime) -> Entry:
        box = open_named(session, AccountKind.CASH, cash.box, now)
        leaving = _left_with_money(session, cash.person_id)
        if leaving:
            set_state(session, cash.person_id, AccountState.ACTIVE)
        entry = _record(session, Transfer(cash.id, "cash_out", cash.person_id, box, cash.amount), cash, by, now)
        if leaving:
            session.expire_all()
            close_or_suspend(session, cash.person_id)
        return entry

    return services.writer.run(work)


def _left_with_money(session: Session, person_id: UUID) -> bool:
    """Whether the account is closed and its wallet waits for the rest to be paid out; locks the person."""
    person = session.get(Person, person_id, with_for_update=True)
    closed = person is not None and person.state is PersonState.CLOSED
    return closed and account(session, person_id).state is AccountState.SUSPENDED


def _record(session: Session, transfer: Transfer, cash: Cash, by: str, now: datetime) -> Entry:
    outcome = record(session, [transfer], now)[0]
    entry = require(outcome)
    if not outcome.replayed:
        details: dict[str, audit.Scalar | list[str]] = {"amount": cash.amount, "transfer": str(cash.id)}
        subject = f"person:{cash.person_id}"
        audit.record(session, actor=by, action=transfer.purpose, subject=subject, now=now, details=details)
    return entry
