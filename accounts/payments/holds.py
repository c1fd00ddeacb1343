"""Holds for what is counted before it is paid, such as a shower: reserve, then take what it came to or let it go.

A hold ends once: posted (up to its amount, the rest is free again), voided, extended, or expired by the clock. The line
that ends it has an id that follows from the hold's, so ending it again in the same way gives the same line. A hold that
is extended ends for another one in its place, in one step: where that is refused, the old one stays.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.ledger import chart
from accounts.ledger.posting import entry_of, find, record
from accounts.ledger.sql import LINE_COLUMNS
from accounts.ledger.tables import JournalTransfer
from accounts.ledger.transfer import Action, Entry, RefusalCode, Transfer
from accounts.payments.problems import HoldEndedError, require
from accounts.payments.services import MoneyServices
from accounts.payments.wallet import HOLD, METERED, Terminal, caps_of, require_same
from accounts.tables import Card
from database import table_of
from web.problems import NotFoundError

_LINES = table_of(JournalTransfer)


class HoldState(StrEnum):
    """Where a hold is in its life."""

    OPEN = "open"
    POSTED = "posted"
    VOIDED = "voided"
    EXTENDED = "extended"
    """Another hold stands in its place."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Held:
    """A hold, and the line that ended it."""

    hold: Entry
    expires_at: datetime
    end: Entry | None

    @property
    def extended_by(self) -> UUID | None:
        """The hold that stands in its place, where it was extended."""
        extended = self.end is not None and self.end.id == _extending_line(self.hold.id)
        return extension_id(self.hold.id) if extended else None

    def state(self, now: datetime) -> HoldState:
        """Say where it is; past its time it takes no post, whether or not the clock's line stands yet."""
        if self.end is None:
            return HoldState.OPEN if now < self.expires_at else HoldState.EXPIRED
        if self.extended_by is not None:
            return HoldState.EXTENDED
        return {Action.POST: HoldState.POSTED, Action.VOID: HoldState.VOIDED}.get(self.end.action, HoldState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Extension:
    """What a hold shall be: `amount` fen in all, for `lasts` from now. Neither makes it smaller than it is."""

    amount: int
    lasts: timedelta

    def payload(self, hold_id: UUID) -> bytes:
        """What must be the same when the hold is extended again."""
        return f"extend {hold_id} {self.amount} {self.lasts.total_seconds()}".encode()


def query(services: MoneyServices, terminal: Terminal, hold_id: UUID) -> Held:
    """Return a hold of this terminal's merchant.

    Raises:
        NotFoundError: it has none with this id.
    """
    with services.database.read() as session:
        return find_held(session, terminal, hold_id)


def post(services: MoneyServices, terminal: Terminal, hold_id: UUID, amount: int) -> Held:
    """Take `amount` fen of a hold; the rest is free again.

    Raises:
        NotFoundError: this merchant has no such hold.
        HoldEndedError, HoldExceededError: see there.
        PaymentIdReusedError: another amount was taken before.
    """
    return _end(services, terminal, hold_id, amount)


def void(services: MoneyServices, terminal: Terminal, hold_id: UUID) -> Held:
    """Let a hold go.

    Raises:
        NotFoundError: this merchant has no such hold.
        HoldEndedError: it was posted, or has expired.
    """
    return _end(services, terminal, hold_id, 0)


def extend(services: MoneyServices, terminal: Terminal, hold_id: UUID, wanted: Extension, now: datetime) -> Held:
    """Let a hold be larger or last longer, and return the one in its place; the same again returns that one.

    Raises:
        ProblemError: as `extend_in`.
    """
    return services.writer.run(lambda session, _: extend_in(session, services, terminal, hold_id, wanted, now=now))


def extend_in(
    session: Session, services: MoneyServices, terminal: Terminal, hold_id: UUID, wanted: Extension, *, now: datetime
) -> Held:
    """Extend a hold in the caller's transaction, which must be undone when this raises: funds and limits as one.

    Raises:
        NotFoundError: this merchant has no such hold.
        HoldEndedError: it has ended or expired.
        PaymentIdReusedError: it was extended otherwise before.
        CardNotUsableError, AccountNotUsableError: card or holder may not pay now.
        InsufficientFundsError, ConsumptionPasswordRequiredError, WalletNotUsableError: the ledger refused.
    """
    held = lock(session, terminal, hold_id)
    payload = wanted.payload(hold_id)
    if (earlier := find(session, extension_id(hold_id))) is not None:
        require_same(earlier, Transfer(earlier.id, HOLD, payload=payload))
        return find_held(session, terminal, earlier.id)
    if held.end is not None or now >= held.expires_at:
        reason = RefusalCode.HOLD_EXPIRED if held.end is None else RefusalCode.HOLD_RESOLVED
        raise HoldEndedError(reason=reason.value)
    details = json.loads(held.hold.details or "{}")
    require_usable(session, held.hold, now)
    device = str(terminal.device_id)
    old = Transfer(
        id=_extending_line(hold_id),
        purpose=METERED,
        action=Action.VOID,
        resolves=hold_id,
        details={"device": device, "extended_by": str(extension_id(hold_id))},
    )
    new = Transfer(
        id=extension_id(hold_id),
        purpose=HOLD,
        debit=held.hold.debit,
        credit=held.hold.credit,
        amount=max(wanted.amount, held.hold.amount),
        action=Action.HOLD,
        expires_after=max(wanted.lasts, held.expires_at - now),
        caps=caps_of(session, services, held.hold.debit, now, unlocked=details.get("password", False)),
        details=details | {"device": device, "extends": str(hold_id)},
        payload=payload,
    )
    for outcome in record(session, [old, new], now):
        require(outcome)
    return find_held(session, terminal, new.id)


def extension_id(hold_id: UUID) -> UUID:
    """Return the id of the hold that stands in the place of an extended one; always the same, so there is one."""
    return uuid5(hold_id, "extension")


def post_id(hold_id: UUID) -> UUID:
    """Return the id of the line that takes money out of a hold; always the same, so there is one."""
    return uuid5(hold_id, Action.POST)


def lock(session: Session, terminal: Terminal, hold_id: UUID) -> Held:
    """Return a hold of this terminal's merchant with its wallet locked, so that nobody ends it meanwhile.

    Raises:
        NotFoundError: it has none with this id.
    """
    chart.lock(session, find_held(session, terminal, hold_id).hold.debit)
    return find_held(session, terminal, hold_id)


def require_usable(session: Session, hold: Entry, now: datetime) -> None:
    """Check that holder and card may pay now: whoever may not begin to pay may not go on either.

    A hold of somebody who showed no card, as at a login with a password, names none.

    Raises:
        UnknownCardError, CardNotUsableError, AccountNotUsableError: see there.
    """
    if (card_id := card_of(hold)) is not None:
        card = session.get(Card, card_id, populate_existing=True)
        if card is None:
            raise cards.UnknownCardError
        cards.require_usable(card)
    people.require_usable(people.get(session, hold.debit), now)


def card_of(hold: Entry) -> UUID | None:
    """Return the card that a hold was made with; None where its holder showed none."""
    card = json.loads(hold.details or "{}").get("card")
    return None if card is None else UUID(card)


def _extending_line(hold_id: UUID) -> UUID:
    return uuid5(hold_id, "extend")


def _end(services: MoneyServices, terminal: Terminal, hold_id: UUID, amount: int) -> Held:
    held = query(services, terminal, hold_id)
    end = require(services.writer.submit(end_of(terminal, hold_id, amount)))
    return Held(held.hold, held.expires_at, end)


def end_of(terminal: Terminal, hold_id: UUID, amount: int) -> Transfer:
    """Return the transfer that takes `amount` fen of a hold, or lets it go where that is nothing."""
    action = Action.POST if amount else Action.VOID
    return Transfer(
        id=post_id(hold_id) if amount else uuid5(hold_id, action),
        purpose=METERED,
        amount=amount,
        action=action,
        resolves=hold_id,
        details={"device": str(terminal.device_id)},
        payload=f"{action} {amount}".encode(),
    )


def find_held(session: Session, terminal: Terminal, hold_id: UUID) -> Held:
    """Return a hold of this terminal's merchant.

    Raises:
        NotFoundError: it has none with this id.
    """
    hold = find(session, hold_id)
    if hold is None or hold.purpose != HOLD or hold.credit != terminal.merchant_id or hold.expires_at is None:
        raise NotFoundError("this merchant has no hold with this id")
    row = session.execute(select(*LINE_COLUMNS).where(_LINES.c.resolves == hold_id)).one_or_none()
    return Held(hold, hold.expires_at, None if row is None else entry_of(row))
