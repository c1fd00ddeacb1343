"""A payment from a wallet, by card or by the virtual card's code.

A plain payment, by card, is one entry in the ledger's group commit: who pays, at which merchant and up to which limits
is read for the whole group in its own transaction, and funds and limits are checked under the wallet's lock. Where a
password is to be checked or a code used up, reading, hashing and writing are kept apart.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from anyio import to_thread
from sqlalchemy.orm import Session

from accounts import cards, passwords
from accounts.cards.identity import Presented
from accounts.ledger.posting import find, record
from accounts.ledger.transfer import Action, Cap, Entry, PostingResult, Transfer
from accounts.ledger.writer import Prepared
from accounts.payments import limits, merchants, payers
from accounts.payments.payers import Payer
from accounts.payments.problems import PaymentCancelledError, PaymentIdReusedError, require
from accounts.payments.services import MoneyServices
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
class Taken:
    """A payment's line in the journal, and the name of whoever paid where it was looked up on the way."""

    entry: Entry
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _ByCard:
    """A payment by card that needs no password: everything about it is read when its group is written."""

    services: MoneyServices
    terminal: Terminal
    payment: Payment
    digest: str
    now: datetime


def pay(services: MoneyServices, terminal: Terminal, payment: Payment, now: datetime) -> Taken:
    """Take or hold a payment and return its line in the journal; the same payment again returns the same line.

    Raises:
        ProblemError: of the credential, the account, the limits, the password or the funds. Nothing was taken then,
            and a code shown was not used up.
    """
    try:
        if is_plain(payment):
            return _taken(*services.writer.submit_request(_by_card(services, terminal, payment, now), _prepare))
        return _pay_with_proof(services, terminal, payment, now)
    except ProblemError as refusal:
        return _answer_as_before(services, terminal, payment, refusal)


async def pay_plain(services: MoneyServices, terminal: Terminal, payment: Payment, now: datetime) -> Taken:
    """Take a payment that `is_plain` as `pay` does, without a thread that waits for it.

    Raises:
        ProblemError: as `pay`.
    """
    try:
        return _taken(*await services.writer.send_request(_by_card(services, terminal, payment, now), _prepare))
    except ProblemError as refusal:
        return await to_thread.run_sync(_answer_as_before, services, terminal, payment, refusal)


def is_plain(payment: Payment) -> bool:
    """Tell whether a payment is by a card alone: no code to be used up, no password to be checked."""
    return payment.presented.code is None and payment.password is None


def _by_card(services: MoneyServices, terminal: Terminal, payment: Payment, now: datetime) -> _ByCard:
    shown = payment.presented
    return _ByCard(
        services, terminal, payment, shown.uid_digest or cards.digest_of(_key(services), shown.uid or ""), now
    )


def _prepare(session: Session, asked: Sequence[_ByCard], _now: datetime) -> list[Prepared[str] | Exception]:
    """Find the merchants and the payers of a whole group, and make the transfer of each payment or say why not."""
    places = merchants.find_places(session, {one.terminal.merchant_id for one in asked if one.terminal.merchant_id})
    holders = payers.find_holders(session, {one.digest for one in asked})
    made: list[Prepared[str] | Exception] = []
    for one in asked:
        try:
            place = merchants.require_open(places, one.terminal.merchant_id, one.terminal.campus)
            if (holder := holders.get(one.digest)) is None:
                raise cards.UnknownCardError
            payer = holder.require_payer(one.payment.presented, one.services.default_limits, one.now)
        except ProblemError as refusal:
            made.append(refusal)
        else:
            transfer = transfer_of(one.services, one.terminal, one.payment, payer, merchant_id=place.id, now=one.now)
            made.append(Prepared(transfer, payer.name))
    return made


def _taken(outcome: PostingResult, name: str) -> Taken:
    # A payment that comes again may be another's than the card is now.
    return Taken(require(outcome), None if outcome.replayed else name)


def _answer_as_before(services: MoneyServices, terminal: Terminal, payment: Payment, refusal: ProblemError) -> Taken:
    """Answer a payment that was taken before as before, whatever has become of card, code or wallet since."""
    with services.database.read() as session:
        earlier = find(session, payment.id)
    if earlier is None:
        raise refusal
    payloads = (payment.payload(terminal, _key(services)), payment.payload_without_key(terminal))
    return Taken(require_same(earlier, *(Transfer(payment.id, PURPOSE, payload=one) for one in payloads)))


def _pay_with_proof(services: MoneyServices, terminal: Terminal, payment: Payment, now: datetime) -> Taken:
    """Take a payment with a password, which is checked before anything is written, or with a code, which is used up."""
    with services.database.read() as session:
        merchant_id = merchants.require_merchant(session, terminal.merchant_id, terminal.campus).id
        by_card = None if payment.presented.code else payers.payer_by_card(session, services, payment.presented, now)
    if payment.password is not None:
        shown = by_card or payers.payer_by_code_unused(services, payment.presented, now)
        check_password(services, shown.person_id, shown.card_id, payment.password, now=now)
    if by_card is not None:
        transfer = transfer_of(services, terminal, payment, by_card, merchant_id=merchant_id, now=now)
        return _taken(services.writer.submit(transfer), by_card.name)

    def use_code(session: Session, _now: datetime) -> Taken:
        payer = payers.payer_by_code(session, services, payment.presented, now)
        transfer = transfer_of(services, terminal, payment, payer, merchant_id=merchant_id, now=now)
        # A refusal raises, and so undoes the use of the code too.
        return _taken(record(session, [transfer], now)[0], payer.name)

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
