"""Money given back: a refund the merchant wants, and the reversal of a payment whose answer the terminal never saw."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from accounts.ledger.posting import find
from accounts.ledger.tables import Corrected
from accounts.ledger.transfer import Action, Entry, RefusalCode, Transfer
from accounts.payments.problems import RefundTooLargeError, require
from accounts.payments.services import MoneyServices
from accounts.payments.wallet import METERED, PURPOSE, Terminal
from web.problems import NotFoundError

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Refund:
    """What a terminal gives back: `amount` fen, or whatever is left of the payment where it is None."""

    id: UUID
    payment_id: UUID
    amount: int | None = None


def refund(services: MoneyServices, terminal: Terminal, wanted: Refund) -> Entry:
    """Give a wallet's payment back, whole or in part; the same refund again returns the same line.

    Raises:
        NotFoundError: the merchant took no such payment.
        RefundTooLargeError: more than the rest of the payment was asked for, or nothing is left.
    """
    payload = f"refund {wanted.payment_id} {wanted.amount} {terminal.merchant_id}".encode()
    with services.database.read() as session:
        earlier = find(session, wanted.id)
        paid = require_payment(find(session, wanted.payment_id), terminal)
        corrected = session.get(Corrected, paid.id)
        left = paid.amount - (corrected.amount if corrected else 0)
    if earlier is None and left == 0:
        raise RefundTooLargeError(left=0)
    transfer = Transfer(
        id=wanted.id,
        purpose="refund",
        debit=paid.credit,
        credit=paid.debit,
        amount=left if wanted.amount is None else wanted.amount,
        corrects=paid.id,
        details={"device": str(terminal.device_id)},
        payload=payload,
    )
    return require(services.writer.submit(transfer))


def reverse(services: MoneyServices, terminal: Terminal, payment_id: UUID) -> Entry:
    """Undo a payment whose answer was lost, and return the line that does.

    A payment that arrived is given back, whatever is left of it. One that has not arrived is cancelled: its id is used
    up, so that it can still be on its way and take nothing. Reversing again changes nothing.

    Raises:
        NotFoundError: another merchant took it.
    """
    for _ in range(_ATTEMPTS):
        with services.database.read() as session:
            paid = find(session, payment_id)
            corrected = session.get(Corrected, payment_id)
            done = find(session, reversal_id(payment_id))
        if done is not None:
            return done
        if paid is not None and paid.action is Action.CANCEL:
            return paid
        if paid is not None:
            require_payment(paid, terminal)
        taken_back = corrected.amount if corrected else 0
        outcome = services.writer.submit(_reversal(terminal, payment_id, paid, taken_back))
        # Either the payment or a refund came in between: look again.
        if outcome.refusal is None or outcome.refusal.code not in _CAME_BETWEEN:
            return require(outcome)
    return require(outcome)


def reversal_id(payment_id: UUID) -> UUID:
    """Return the id of the line that reverses a payment; always the same, so there is one."""
    return uuid5(payment_id, "reversal")


def require_payment(entry: Entry | None, terminal: Terminal) -> Entry:
    """Return a payment that this terminal's merchant took.

    Raises:
        NotFoundError: it is none, or another merchant's.
    """
    if entry is None or entry.purpose not in (PURPOSE, METERED) or entry.credit != terminal.merchant_id:
        raise NotFoundError("this merchant took no payment with this id")
    return entry


_CAME_BETWEEN = (RefusalCode.ID_REUSED, RefusalCode.CORRECTION_EXCEEDS)


def _reversal(terminal: Terminal, payment_id: UUID, paid: Entry | None, taken_back: int) -> Transfer:
    details = {"device": str(terminal.device_id)}
    if paid is None:
        return Transfer(
            id=payment_id, purpose="reversal", action=Action.CANCEL, debit=terminal.merchant_id, details=details
        )
    if taken_back == paid.amount:
        raise RefundTooLargeError("the payment was given back already", left=0)
    return Transfer(
        id=reversal_id(payment_id),
        purpose="reversal",
        debit=paid.credit,
        credit=paid.debit,
        amount=paid.amount - taken_back,
        corrects=payment_id,
        details=details,
    )
