"""Holds for what is counted before it is paid, such as a shower: reserve, then take what it came to or let it go.

A hold ends once: posted (up to its amount, the rest is free again), voided, or expired by the clock. The line that ends
it has an id that follows from the hold's, so ending it again in the same way gives the same line.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.posting import entry_of, find
from accounts.ledger.sql import LINE_COLUMNS
from accounts.ledger.tables import JournalTransfer, table_of
from accounts.ledger.transfer import Action, Entry, Transfer
from accounts.payments.problems import require
from accounts.payments.services import MoneyServices
from accounts.payments.wallet import HOLD, METERED, Terminal
from web.problems import NotFoundError

_LINES = table_of(JournalTransfer)


class HoldState(StrEnum):
    """Where a hold is in its life."""

    OPEN = "open"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Held:
    """A hold, and the line that ended it."""

    hold: Entry
    expires_at: datetime
    end: Entry | None

    def state(self, now: datetime) -> HoldState:
        """Say where it is; past its time it takes no post, whether or not the clock's line stands yet."""
        if self.end is None:
            return HoldState.OPEN if now < self.expires_at else HoldState.EXPIRED
        return {Action.POST: HoldState.POSTED, Action.VOID: HoldState.VOIDED}.get(self.end.action, HoldState.EXPIRED)


def query(services: MoneyServices, terminal: Terminal, hold_id: UUID) -> Held:
    """Return a hold of this terminal's merchant.

    Raises:
        NotFoundError: it has none with this id.
    """
    with services.database.read() as session:
        return _held(session, terminal, hold_id)


def post(services: MoneyServices, terminal: Terminal, hold_id: UUID, amount: int) -> Held:
    """Take `amount` fen of a hold; the rest is free again.

    Raises:
        NotFoundError: this merchant has no such hold.
        HoldEndedError, HoldExceededError: see there.
        PaymentIdReusedError: another amount was taken before.
    """
    return _end(services, terminal, hold_id, Action.POST, amount)


def void(services: MoneyServices, terminal: Terminal, hold_id: UUID) -> Held:
    """Let a hold go.

    Raises:
        NotFoundError: this merchant has no such hold.
        HoldEndedError: it was posted, or has expired.
    """
    return _end(services, terminal, hold_id, Action.VOID, 0)


def _end(services: MoneyServices, terminal: Terminal, hold_id: UUID, action: Action, amount: int) -> Held:
    held = query(services, terminal, hold_id)
    end = Transfer(
        id=uuid5(hold_id, action),
        purpose=METERED,
        amount=amount,
        action=action,
        resolves=hold_id,
        details={"device": str(terminal.device_id)},
        payload=f"{action} {amount}".encode(),
    )
    return Held(held.hold, held.expires_at, require(services.writer.submit(end)))


def _held(session: Session, terminal: Terminal, hold_id: UUID) -> Held:
    hold = find(session, hold_id)
    if hold is None or hold.purpose != HOLD or hold.credit != terminal.merchant_id or hold.expires_at is None:
        raise NotFoundError("this merchant has no hold with this id")
    row = session.execute(select(*LINE_COLUMNS).where(_LINES.c.resolves == hold_id)).one_or_none()
    return Held(hold, hold.expires_at, None if row is None else entry_of(row))
