"""A wallet's payment given back at the counter, where the merchant's terminal cannot: by a cashier, with a reason.

The money comes from the merchant, as it does at the terminal; all refunds together are at most the payment. What a
meter has counted is not among it: that is answered where it was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger.posting import find, record
from accounts.ledger.tables import JournalTransfer
from accounts.ledger.transfer import Entry, Transfer
from accounts.payments.problems import require
from accounts.payments.services import MoneyServices
from accounts.payments.wallet import PURPOSE
from accounts.people.authority import Acting, require_another
from web.problems import NotFoundError

TRAIL = "payment.refund"
"""The action of the audit trail's line."""


@dataclass(frozen=True, slots=True)
class CounterRefund:
    """What the counter gives back of a payment, fen, and why; the same id again gives it back once."""

    id: UUID
    payment_id: UUID
    amount: int
    reason: str


def get_payment(session: Session, payment_id: UUID) -> Entry:
    """Return a payment that a merchant took from a wallet.

    Raises:
        NotFoundError: there is none.
    """
    paid = find(session, payment_id)
    if paid is None or paid.purpose != PURPOSE:
        raise NotFoundError("there is no payment with this id")
    return paid


def refund(services: MoneyServices, wanted: CounterRefund, cashier: Acting, *, now: datetime) -> Entry:
    """Give a payment back, whole or in part, and write down who did it and why.

    Raises:
        NotFoundError: there is no such payment.
        OwnAccountError: the cashier's own.
        RefundTooLargeError, PaymentIdReusedError, WalletNotUsableError: the ledger refused.
    """
    by = audit.person_actor(cashier.person_id)

    def work(session: Session, _now: datetime) -> Entry:
        paid = get_payment(session, wanted.payment_id)
        require_another(cashier, paid.debit)
        back = Transfer(
            wanted.id,
            "refund",
            paid.credit,
            paid.debit,
            wanted.amount,
            corrects=paid.id,
            details={"by": by},
            payload=f"counter refund {wanted.payment_id} {wanted.amount}".encode(),
        )
        outcome = record(session, [back], now)[0]
        entry = require(outcome)
        if not outcome.replayed:
            details: dict[str, audit.Scalar | list[str]] = {
                "amount": wanted.amount,
                "payment": str(paid.id),
                "transfer": str(wanted.id),
                "reason": wanted.reason,
            }
            subject = f"person:{paid.debit}"
            audit.record(session, actor=by, action=TRAIL, subject=subject, now=now, details=details)
        return entry

    return services.writer.run(work)


def find_given_back(session: Session, payment_id: UUID) -> Sequence[JournalTransfer]:
    """Return what was given back of a payment, at terminals and at the counter, the oldest first."""
    query = select(JournalTransfer).where(JournalTransfer.corrects == payment_id)
    return session.scalars(query.order_by(JournalTransfer.serial)).all()
