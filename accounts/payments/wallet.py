"""A payment from a wallet, by card or by the virtual card's code.

Reading (who, which limits), hashing (the password) and writing are kept apart: the writing is one entry in the
ledger's group commit, which checks funds and limits under the wallet's lock.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from accounts import cards, passwords, people
from accounts.cards import card_states, identity
from accounts.cards.identity import Presented, Trust
from accounts.ledger.posting import find, record
from accounts.ledger.transfer import Action, Cap, Entry, Transfer
from accounts.payments import limits, merchants
from accounts.payments.limits import Limits
from accounts.payments.problems import PaymentCancelledError, PaymentIdReusedError, require
from accounts.payments.services import MoneyServices
from accounts.payments.tables import SpendingLimit
from accounts.tables import Card, Person
from accounts.vocabulary import PasswordPurpose
from database.digests import CredentialKeyMissingError
from web.problems import ProblemError

PURPOSE = "payment"
HOLD = "hold"
METERED = "metered"
"""Of the line that takes money out of a hold, for what a meter has counted."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a payment is taken: the device, its merchant and its campus."""

    device_id: UUID
    merchant_id: UUID | None
    campus: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """What a device asks for. `id` is the device's own and the same when it asks again.

    With `hold_for` the money is only reserved, for so long.
    """

    id: UUID
    amount: int
    presented: Presented
    password: str | None = None
    hold_for: timedelta | None = None

    def payload(self, terminal: Terminal, key: bytes) -> bytes:
        """What must be the same when the id is used again; the password may come later.

        The journal keeps a digest of it. That is made under the site's `key`, for a card's number can be guessed.
        """
        return hmac.digest(key, b"payment:" + self.payload_without_key(terminal), "sha256")

    def payload_without_key(self, terminal: Terminal) -> bytes:
        """The payload of before there was a key in it: a terminal may ask again for what it asked for then."""
        shown = self.presented
        what: list[str | float | None] = [str(terminal.device_id), self.amount, shown.uid, shown.proved_key, shown.code]
        if self.hold_for is not None:
            what.append(self.hold_for.total_seconds())
        if shown.uid_digest is not None:
            what.append(shown.uid_digest)
        return json.dumps(what, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose credential it is, as far as a payment needs to know."""

    person_id: UUID
    card_id: UUID
    trust: Trust
    limits: Limits


def pay(services: MoneyServices, terminal: Terminal, payment: Payment, now: datetime) -> Entry:
    """Take or hold a payment and return its line in the journal; the same payment again returns the same line.

    Raises:
        ProblemError: of the credential, the account, the limits, the password or the funds. Nothing was taken then,
            and a code shown was not used up.
    """
    try:
        return _pay(services, terminal, payment, now)
    except ProblemError:
        # A payment that was taken before is answered as before, whatever has become of card, code or wallet since.
        with services.database.read() as session:
            earlier = find(session, payment.id)
        if earlier is None:
            raise
        payloads = (payment.payload(terminal, _key(services)), payment.payload_without_key(terminal))
        return require_same(earlier, *(Transfer(payment.id, PURPOSE, payload=one) for one in payloads))


def _pay(services: MoneyServices, terminal: Terminal, payment: Payment, now: datetime) -> Entry:
    with services.database.read() as session:
        merchant_id = merchants.require_merchant(session, terminal.merchant_id, terminal.campus).id
        payer = None if payment.presented.code else payer_by_card(session, services, payment.presented, now)
    if payment.password is not None:
        shown = payer or _payer_by_code_unused(services, payment.presented, now)
        check_password(services, shown.person_id, shown.card_id, payment.password, now=now)
    if payer is not None:
        return require(
            services.writer.submit(transfer_of(services, terminal, payment, payer, merchant_id=merchant_id, now=now))
        )

    def use_code(session: Session, _now: datetime) -> Entry:
        found = payer_by_code(session, services, payment.presented, now)
        # A refusal raises, and so undoes the use of the code too.
        return require(
            record(session, [transfer_of(services, terminal, payment, found, merchant_id=merchant_id, now=now)], now)[0]
        )

    return services.writer.run(use_code)


def require_same(earlier: Entry, *again: Transfer) -> Entry:
    """Return the first answer to an id that comes again; it must be one of `again`.

    Raises:
        PaymentCancelledError: the terminal cancelled it before.
        PaymentIdReusedError: it was something else.
    """
    if earlier.action is Action.CANCEL:
        raise PaymentCancelledError
    if earlier.digest not in {one.digest() for one in again}:
        raise PaymentIdReusedError
    return earlier


def payer_by_card(session: Session, services: MoneyServices, presented: Presented, now: datetime) -> Payer:
    """Return whose card it is, if it may pay; one query, as this is what happens at every terminal at noon.

    Raises:
        ProblemError: of the credential or the account.
    """
    query = (
        select(Card, Person, SpendingLimit)
        .join(Person, Person.id == Card.person_id)
        .outerjoin(SpendingLimit, SpendingLimit.person_id == Person.id)
        .where(
            Card.uid_digest == (presented.uid_digest or cards.uid_digest(session, presented.uid or "")),
            Card.state.not_in(card_states.ENDED),
        )
        .options(lazyload(Person.group_rows), lazyload(Person.role_rows))
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise cards.UnknownCardError
    card, person = row[0], row[1]
    own: SpendingLimit | None = row[2]
    cards.require_usable(card)
    cards.require_key(card, presented.proved_key)
    people.require_usable(person, now)
    trust = Trust.UID_ONLY if card.key_number is None else Trust.KEYED
    return Payer(person.id, card.id, trust, services.default_limits if own is None else Limits(own.meal, own.day))


def payer_by_code(session: Session, services: MoneyServices, presented: Presented, now: datetime) -> Payer:
    """Return whose code it is, if it may pay; the code is used up in the caller's transaction.

    Raises:
        ProblemError: of the credential or the account.
    """
    holder = identity.find(session, presented, services.accounts.code_key, now=now)
    cards.require_usable(holder.card)
    people.require_usable(holder.person, now)
    own = limits.of_person(session, holder.person.id, services.default_limits)
    return Payer(holder.person.id, holder.card.id, holder.trust, own)


def _payer_by_code_unused(services: MoneyServices, presented: Presented, now: datetime) -> Payer:
    """Whose code it is, without using it up: the transaction that would is rolled back."""
    with services.database.begin() as session:
        payer = payer_by_code(session, services, presented, now)
        session.rollback()
        return payer


def transfer_of(
    services: MoneyServices, terminal: Terminal, payment: Payment, payer: Payer, *, merchant_id: UUID, now: datetime
) -> Transfer:
    """Return the transfer or the hold that takes a payment from a payer."""
    unlocked = payment.password is not None
    return Transfer(
        id=payment.id,
        purpose=PURPOSE if payment.hold_for is None else HOLD,
        debit=payer.person_id,
        credit=merchant_id,
        amount=payment.amount,
        action=Action.TRANSFER if payment.hold_for is None else Action.HOLD,
        expires_after=payment.hold_for,
        caps=limits.caps(payer.limits, now, services.accounts.zone, services.meals, unlocked=unlocked),
        details={
            "device": str(terminal.device_id),
            "card": str(payer.card_id),
            "by": payer.trust.value,
            "password": unlocked,
        },
        payload=payment.payload(terminal, _key(services)),
    )


def _key(services: MoneyServices) -> bytes:
    key = services.database.credential_key
    if key is None:
        raise CredentialKeyMissingError
    return key


def check_password(services: MoneyServices, person_id: UUID, card_id: UUID, attempt: str, *, now: datetime) -> None:
    """Check a consumption password, outside of any transaction. Wrong tries count for the card, at every terminal.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError: see there.
        PasswordChangeRequiredError: it is still the first one.
    """
    who, purpose = passwords.Claimant.known(person_id), PasswordPurpose.CONSUMPTION
    checked = services.accounts.passwords.require(who, purpose, attempt, source=f"card {card_id}", now=now)
    if checked.must_change:
        raise passwords.PasswordChangeRequiredError(purpose=PasswordPurpose.CONSUMPTION.value)


def caps_of(
    session: Session, services: MoneyServices, person_id: UUID, at: datetime, *, unlocked: bool
) -> tuple[Cap, ...]:
    """Return the windows in which a payment of this person at this time counts."""
    own = limits.of_person(session, person_id, services.default_limits)
    return limits.caps(own, at, services.accounts.zone, services.meals, unlocked=unlocked)
