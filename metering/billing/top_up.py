"""Money from a wallet to a room, and back.

It counts the moment the ledger has it, at any hour. Whoever is signed in may pay for any room they were shown. What one
person pays to rooms in a day needs no consumption password up to their own day's limit; it is counted apart from what
they eat, so that paying for electricity leaves nobody without lunch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.ledger import AccountKind, Cap, Entry, Transfer, open_account, record
from accounts.ledger.tables import Corrected, LedgerAccount
from accounts.payments import limits
from accounts.payments.problems import InsufficientFundsError, require
from accounts.payments.services import MoneyServices
from accounts.tables import Person
from database import new_id
from metering.billing.credit import find_credit
from metering.billing.tables import RoomTopUp
from metering.rooms import registry
from web.problems import NotFoundError, ProblemError

TOP_UP, REFUND = "room_top_up", "room_refund"

LEAST, MOST = 100, 50_000
"""Fen: a yuan, and more than a room uses in a month."""


class TopUpRefundedError(ProblemError):
    """The top-up was given back already; `left` fen of it were not."""

    code = "room_top_up_refunded"
    status = 409
    title = "This much of the top-up cannot be given back any more"


@dataclass(frozen=True, slots=True)
class RoomPayment:
    """What a person pays for a room. `unlocked`: with their consumption password; `by_rule`: they agreed before."""

    room_id: UUID
    person_id: UUID
    fen: int
    unlocked: bool = False
    by_rule: UUID | None = None
    id: UUID | None = None
    caps: tuple[Cap, ...] | None = None


@dataclass(frozen=True, slots=True)
class PaidTopUp:
    """A payment as it stands in the ledger; `balance` is the room's after it."""

    row: RoomTopUp
    balance: int


def pay(session: Session, money: MoneyServices, payment: RoomPayment, now: datetime) -> PaidTopUp:
    """Move money to a room's account, which is opened by its first payment, in a writing transaction.

    Raises:
        NotFoundError: there is no such room, or no such person.
        RoomClosedError: the room is no longer used.
        AccountNotUsableError, InsufficientFundsError: see there.
        ConsumptionPasswordRequiredError, WalletNotUsableError: see there.
    """
    is_first = session.get(LedgerAccount, payment.room_id) is None
    # Whoever else opens the account at this moment waits for the room.
    registry.get_open_room(session, payment.room_id, lock=is_first)
    people.require_usable(people.get(session, payment.person_id), now)
    open_account(session, payment.room_id, AccountKind.ROOM, now)
    transfer = Transfer(
        id=payment.id or new_id(),
        purpose=TOP_UP,
        debit=payment.person_id,
        credit=payment.room_id,
        amount=payment.fen,
        caps=_caps(session, money, payment, now) if payment.caps is None else payment.caps,
        details={"password": payment.unlocked, "by_rule": None if payment.by_rule is None else str(payment.by_rule)},
    )
    entry = require(record(session, [transfer], now)[0])
    row = session.get(RoomTopUp, entry.id)
    if row is None:
        row = RoomTopUp(
            id=entry.id,
            room_id=payment.room_id,
            person_id=payment.person_id,
            fen=entry.amount,
            by_rule=payment.by_rule,
            paid_at=entry.recorded_at,
        )
        session.add(row)
        session.flush()
    return PaidTopUp(row, entry.credit_balance or 0)


def find_last_payment(session: Session, room_id: UUID) -> datetime | None:
    """Return when somebody last paid for a room."""
    return session.scalar(select(func.max(RoomTopUp.paid_at)).where(RoomTopUp.room_id == room_id))


def find_of_room(
    session: Session, room_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[tuple[RoomTopUp, str]]:
    """Return a room's top-ups with the names of who paid, newest first."""
    query = select(RoomTopUp, Person.name).join(Person, Person.id == RoomTopUp.person_id)
    query = query.where(RoomTopUp.room_id == room_id)
    if before is not None:
        query = query.where(RoomTopUp.id < before)
    return [(row, name) for row, name in session.execute(query.order_by(RoomTopUp.id.desc()).limit(limit))]


def left_of(session: Session, top_up: RoomTopUp) -> int:
    """Return how much of a top-up was not given back."""
    corrected = session.get(Corrected, top_up.id, populate_existing=True)
    return top_up.fen - (0 if corrected is None else corrected.amount)


def refund(
    session: Session, money: MoneyServices, top_up_id: UUID, fen: int | None, *, reason: str, by: str, now: datetime
) -> Entry:
    """Give a top-up back to whoever paid it, whole or in part, as far as the room has not used it.

    Args:
        session: a writing transaction.
        money: the services of money.
        top_up_id: the top-up.
        fen: how much; None for all that the room still has of it.
        reason: for the audit trail, such as `wrong room`.
        by: who decided it.
        now: the current time.

    Raises:
        NotFoundError: there is no such top-up.
        TopUpRefundedError: less of it is left.
        InsufficientFundsError: the room has used it.
    """
    row = session.get(RoomTopUp, top_up_id)
    if row is None:
        raise NotFoundError("there is no top-up with this id")
    left = left_of(session, row)
    has = max(0, find_credit(session, row.room_id, now, money.accounts.zone).available)
    wanted = min(left, has) if fen is None else fen
    if wanted > left or left == 0:
        raise TopUpRefundedError(left=left)
    if wanted > has or wanted == 0:
        raise InsufficientFundsError("the room has used it", left=has)
    back = Transfer(new_id(), REFUND, row.room_id, row.person_id, wanted, corrects=row.id)
    entry = require(record(session, [back], now)[0])
    details: dict[str, audit.Scalar | list[str]] = {"amount": wanted, "reason": reason, "top_up": str(row.id)}
    audit.record(session, actor=by, action="room.refund", subject=f"room:{row.room_id}", now=now, details=details)
    return entry


def _caps(session: Session, money: MoneyServices, payment: RoomPayment, now: datetime) -> tuple[Cap, ...]:
    own = limits.of_person(session, payment.person_id, money.default_limits)
    day = now.astimezone(money.accounts.zone).date()
    return (Cap(f"room/{day}", None if payment.unlocked else own.day),)
