"""Which offline payments nothing is taken for until a person has decided, and the decision.

Such a payment has no witness but the terminal that uploads it: whoever has one terminal's token could write any amount,
any card and any date. So what is above the ceilings, or of a time at which it can hardly have happened, waits.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from accounts import audit
from accounts.payments.ceilings import DAY, WEEK, Ceilings
from accounts.payments.offline_states import FAST_CLOCK, LATE, Flag, OfflineState
from accounts.payments.tables import OfflinePayment
from accounts.tables import Card, Device
from web.problems import NotFoundError, ProblemError

WAITS = frozenset(
    {
        Flag.LATE,
        Flag.CLOCK_AHEAD,
        Flag.BEFORE_TERMINAL,
        Flag.BEFORE_CARD,
        Flag.ABOVE_CARD_DAY,
        Flag.ABOVE_CARD_WEEK,
        Flag.ABOVE_TERMINAL_DAY,
    }
)
"""Flags with which a payment waits for a person."""


class OfflinePaymentDecidedError(ProblemError):
    """Somebody decided otherwise before, or there was nothing to decide; `state` says what it is."""

    code = "offline_payment_decided"
    status = 409
    title = "This offline payment does not wait for a decision"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a terminal says happened."""

    device_id: UUID
    amount: int
    at: datetime


def doubts(session: Session, claim: Claim, card: Card | None, ceilings: Ceilings, now: datetime) -> list[Flag]:
    """Return why a payment must wait for a person; locks the terminal's row, so that uploads count one by one."""
    device = session.get(Device, claim.device_id, with_for_update=True)
    found = []
    if claim.at > now + FAST_CLOCK:
        found.append(Flag.CLOCK_AHEAD)
    if claim.at < now - LATE:
        found.append(Flag.LATE)
    if device is None or claim.at < device.created_at - FAST_CLOCK:
        found.append(Flag.BEFORE_TERMINAL)
    if _taken(session, now - DAY, OfflinePayment.device_id == claim.device_id) + claim.amount > (
        ceilings.offline_terminal_day
    ):
        found.append(Flag.ABOVE_TERMINAL_DAY)
    if card is not None:
        found += _doubts_of_card(session, claim, card, ceilings, now)
    return found


def take(session: Session, payment_id: UUID) -> OfflinePayment:
    """Return a payment that waits, locked.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = session.get(OfflinePayment, payment_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("there is no offline payment with this id")
    return row


def note_decision(session: Session, row: OfflinePayment, state: OfflineState, *, by: str, now: datetime) -> None:
    """Note who decided, and what became of the payment."""
    row.state, row.decided_by, row.decided_at = state, by, now
    audit.record(
        session,
        actor=by,
        action="offline_payment.decide",
        subject=f"offline_payment:{row.id}",
        now=now,
        details={"state": state.value, "amount": row.amount},
    )


def _doubts_of_card(session: Session, claim: Claim, card: Card, ceilings: Ceilings, now: datetime) -> list[Flag]:
    found = []
    if claim.at < card.issued_at - FAST_CLOCK:
        found.append(Flag.BEFORE_CARD)
    # By account: a card that was replaced in between has not a second allowance.
    account = OfflinePayment.person_id == card.person_id
    for flag, span, ceiling in (
        (Flag.ABOVE_CARD_DAY, DAY, ceilings.offline_card_day),
        (Flag.ABOVE_CARD_WEEK, WEEK, ceilings.offline_card_week),
    ):
        if _taken(session, now - span, account) + claim.amount > ceiling:
            found.append(flag)
    return found


def _taken(session: Session, since: datetime, whose: ColumnElement[bool]) -> int:
    """Return the fen of what was taken without a person's decision since a time of the server's clock."""
    query = select(func.coalesce(func.sum(OfflinePayment.amount), 0)).where(
        whose,
        OfflinePayment.received_at > since,
        OfflinePayment.state.in_((OfflineState.PAID, OfflineState.UNPAID)),
        OfflinePayment.decided_at.is_(None),
    )
    return int(session.scalar(query) or 0)
