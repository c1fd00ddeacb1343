"""A payment from a wallet, by card or by the virtual card's code.

Reading (who, which limits), hashing (the password) and writing are kept apart: the writing is one entry in the
ledger's group commit, which judges funds and limits under the wallet's lock.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import cards, identity, limits, passwords, people
from accounts.identity import Holder, Presented
from accounts.ledger.posting import find, record
from accounts.ledger.transfer import Action, Cap, Entry, Outcome, Transfer
from accounts.payments import merchants
from accounts.payments.problems import PaymentCancelledError, PaymentIdReusedError, require
from accounts.payments.services import MoneyServices
from accounts.vocabulary import PasswordPurpose

PURPOSE = "payment"


@dataclass(frozen=True, slots=True)
class Till:
    """Where a payment is taken: the device, its merchant and its campus."""

    device_id: UUID
    merchant_id: UUID | None
    campus: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """What a terminal asks for. `id` is the terminal's own and the same when it asks again."""

    id: UUID
    amount: int
    presented: Presented
    password: str | None = None

    def payload(self, till: Till) -> bytes:
        """What must be the same when the id is used again; the password may come later."""
        shown = self.presented
        what = [str(till.device_id), self.amount, shown.uid, shown.proved_key, shown.code]
        return json.dumps(what, separators=(",", ":")).encode()


def pay(services: MoneyServices, till: Till, payment: Payment, now: datetime) -> Entry:
    """Take a payment and return its line in the journal; the same payment again returns the same line.

    Raises:
        ProblemError: of the credential, the account, the limits, the password or the funds. Nothing was taken then,
            and a code shown was not used up.
    """
    with services.database.read() as session:
        if (earlier := find(session, payment.id)) is not None:
            return require_same(earlier, Transfer(payment.id, PURPOSE, payload=payment.payload(till)))
        merchant = merchants.require_merchant(session, till.merchant_id, till.campus)
        holder = None if payment.presented.code else _read_holder(session, services, payment.presented, now)
    unlocked = payment.password is not None
    if payment.password is not None:
        who = holder or _peek(services, payment.presented, now)
        check_password(services, who.person.id, payment.password, now)

    def transfer_of(session: Session, found: Holder) -> Transfer:
        return Transfer(
            id=payment.id,
            purpose=PURPOSE,
            debit=found.person.id,
            credit=merchant.id,
            amount=payment.amount,
            caps=caps_of(session, services, found.person.id, now, unlocked=unlocked),
            details={
                "device": str(till.device_id),
                "card": str(found.card.id),
                "by": found.trust.value,
                "password": unlocked,
            },
            payload=payment.payload(till),
        )

    if holder is not None:
        with services.database.read() as session:
            transfer = transfer_of(session, holder)
        return _answer(services.writer.submit(transfer))

    def take(session: Session, _now: datetime) -> Outcome:
        found = _read_holder(session, services, payment.presented, now)
        outcome = record(session, [transfer_of(session, found)], now)[0]
        _answer(outcome)  # a refusal undoes the use of the code too
        return outcome

    return _answer(services.writer.run(take))


def require_same(earlier: Entry, again: Transfer) -> Entry:
    """Return the first answer to an id that comes again.

    Raises:
        PaymentCancelledError: the terminal cancelled it before.
        PaymentIdReusedError: it was something else.
    """
    if earlier.action is Action.CANCEL:
        raise PaymentCancelledError
    if earlier.digest != again.digest():
        raise PaymentIdReusedError
    return earlier


def _answer(outcome: Outcome) -> Entry:
    entry = require(outcome)
    if entry.action is Action.CANCEL:
        raise PaymentCancelledError
    return entry


def _read_holder(session: Session, services: MoneyServices, presented: Presented, now: datetime) -> Holder:
    """Whose credential it is, if it may pay. A code is used up in the caller's transaction."""
    holder = identity.find(session, presented, services.accounts.code_key, now=now)
    cards.require_usable(holder.card)
    if presented.code is None:
        cards.require_key(holder.card, presented.proved_key)
    people.require_usable(holder.person, now)
    return holder


def _peek(services: MoneyServices, presented: Presented, now: datetime) -> Holder:
    """Whose code it is, without using it up: the transaction that would is rolled back."""
    with services.database.begin() as session:
        holder = _read_holder(session, services, presented, now)
        session.expunge(holder.person)
        session.rollback()
        return holder


def check_password(services: MoneyServices, person_id: UUID, attempt: str, now: datetime) -> None:
    """Check a consumption password, outside of any transaction.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError: see there.
        PasswordChangeRequiredError: it is still the first one.
    """
    checked = services.accounts.passwords.require(person_id, PasswordPurpose.CONSUMPTION, attempt, now=now)
    if checked.must_change:
        raise passwords.PasswordChangeRequiredError(purpose=PasswordPurpose.CONSUMPTION.value)


def caps_of(
    session: Session, services: MoneyServices, person_id: UUID, at: datetime, *, unlocked: bool
) -> tuple[Cap, ...]:
    """Return the windows in which a payment of this person at this time counts."""
    own = limits.of_person(session, person_id, services.default_limits)
    return limits.caps(own, at, services.accounts.zone, services.meals, unlocked=unlocked)
