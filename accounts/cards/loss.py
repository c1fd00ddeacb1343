"""Loss and reissue (挂失、补办): physical and virtual card are one account, so they stop and start together.

A new card is issued from 24 hours after the report on, and costs 10 yuan of the balance, taken in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.cards import registry
from accounts.cards.card_states import ENDED, CardAction
from accounts.ledger import chart, posting
from accounts.ledger.transfer import AccountKind, Refusal, RefusalCode, Transfer
from accounts.tables import Card, LossReport, Person
from accounts.vocabulary import CardKind, CardState
from web.problems import ProblemError

WAIT = timedelta(hours=24)
FEE_FEN = 1000
FEE_ACCOUNT = "reissue"
REVERSED = "reissue_reversed"
"""The purpose of a fee that is given back, as no card was handed out for it."""


class NoCardError(ProblemError):
    """The person has no physical card that could be lost."""

    code = "no_card_to_report"
    status = 409
    title = "There is no physical card to report"


class LossReportedError(ProblemError):
    """The loss is reported already; the cards are suspended since `reported_at`."""

    code = "loss_already_reported"
    status = 409
    title = "The loss is reported already"


class NoLossError(ProblemError):
    """No loss is reported."""

    code = "no_loss_reported"
    status = 409
    title = "No loss is reported"


class ReissueTooEarlyError(ProblemError):
    """Less than 24 hours have passed since the report; `possible_at` says when it can be done."""

    code = "reissue_too_early"
    status = 409
    title = "A new card can be issued 24 hours after the report"


class ReissueFeeError(ProblemError):
    """The fee cannot be taken from the balance; `reason` is the ledger's, `fee` in fen."""

    code = "reissue_fee_refused"
    status = 409
    title = "The fee of the new card cannot be taken from the balance"


@dataclass(frozen=True, slots=True)
class Loss:
    """An open loss report."""

    card_id: UUID
    reported_at: datetime
    reissue_possible_at: datetime
    fee: int


def open_loss(session: Session, person_id: UUID, *, lock: bool = False) -> LossReport | None:
    """Return the person's open report, or None."""
    query = select(LossReport).where(LossReport.person_id == person_id, LossReport.closed_at.is_(None))
    return session.scalar(query.with_for_update() if lock else query)


def describe(report: LossReport) -> Loss:
    """Say what an open report means for the holder."""
    return Loss(report.card_id, report.reported_at, report.reported_at + WAIT, FEE_FEN)


def report(session: Session, person: Person, *, through: str, by: str, now: datetime) -> LossReport:
    """Report the physical card lost; the virtual ones are suspended with it.

    Args:
        session: a writing transaction.
        person: the holder, locked.
        through: where it was reported: `app`, `counter` or `kiosk`.
        by: the actor of the audit trail.
        now: the current time.

    Raises:
        LossReportedError, NoCardError: see there.
    """
    if (known := open_loss(session, person.id)) is not None:
        raise LossReportedError(reported_at=known.reported_at)
    live = registry.of_person(session, person.id, lock=True)
    physical = next((card for card in live if card.kind is CardKind.PHYSICAL), None)
    if physical is None:
        raise NoCardError
    made = LossReport(
        person_id=person.id,
        card_id=physical.id,
        reported_at=now,
        reported_by=through,
        was_suspended=physical.state is CardState.SUSPENDED,
    )
    session.add(made)
    registry.apply(session, physical, CardAction.REPORT_LOST, by=by, now=now, note_text=through)
    _suspend_virtual(session, live, by=by, now=now)
    return made


def release(session: Session, person: Person, *, by: str, now: datetime) -> None:
    """The card was found: it and the virtual ones work again. One that has ended by now stays so.

    Raises:
        NoLossError: no loss is reported.
    """
    found = _require_loss(session, person)
    physical = registry.get(session, found.card_id, lock=True)
    if physical.state not in ENDED:
        registry.apply(session, physical, CardAction.RELEASE, by=by, now=now, note_text="found")
        if found.was_suspended:
            registry.apply(session, physical, CardAction.SUSPEND, by=by, now=now, note_text="as before the loss")
    _release_virtual(session, person.id, by=by, now=now)
    found.closed_at, found.outcome = now, "found"


def reissue(session: Session, person: Person, uid: str, *, key_number: int | None, by: str, now: datetime) -> Card:
    """Issue a new card for the lost one, against the fee; the virtual cards work again.

    Raises:
        NoLossError, ReissueTooEarlyError, ReissueFeeError: see there.
        registry.InvalidUidError, registry.UidTakenError: the new card cannot be used.
    """
    found = _require_due(session, person, now)
    # Cards are locked before the wallet: the order that a payment by code locks them in.
    old = registry.get(session, found.card_id, lock=True)
    registry.of_person(session, person.id, lock=True)
    _take_fee(session, person, found, now)
    if old.state not in ENDED:
        registry.apply(session, old, CardAction.REPLACE, by=by, now=now)
    session.flush()
    card = registry.issue(session, person, uid, key_number=key_number, by=by, now=now)
    _release_virtual(session, person.id, by=by, now=now)
    found.closed_at, found.outcome = now, "reissued"
    return card


def require_reissuable(session: Session, person: Person, now: datetime) -> LossReport:
    """Check that a card may be issued to a person for a lost one, and return the open report.

    Raises:
        NoLossError, ReissueTooEarlyError, ReissueFeeError: see there.
    """
    found = _require_due(session, person, now)
    if chart.account(session, person.id).available < FEE_FEN:
        raise ReissueFeeError(reason=RefusalCode.INSUFFICIENT_FUNDS.value, fee=FEE_FEN)
    return found


def undo_reissue(session: Session, person: Person, loss_id: UUID, card: Card, *, by: str, now: datetime) -> bool:
    """Take back the issue of a card that was not handed out: the fee is returned, and the loss is open as it was.

    The card that was replaced stays so. The new one ends as returned, and the loss now names it: nobody finds it.

    Args:
        session: a writing transaction.
        person: the holder, locked.
        loss_id: the report that the card was issued for.
        card: the card that was issued.
        by: the actor of the audit trail.
        now: the current time.

    Returns:
        Whether the fee was given back: a wallet that was suspended or closed meanwhile takes nothing.
    """
    live = registry.of_person(session, person.id, lock=True)
    is_returned = give_fee_back(session, person, loss_id, now) is None
    if card.state not in (CardState.ACTIVE, CardState.SUSPENDED) or open_loss(session, person.id) is not None:
        # Somebody has dealt with the card since: that stays as it is.
        return is_returned
    closed = session.get_one(LossReport, loss_id)
    registry.apply(session, card, CardAction.RETURN, by=by, now=now, note_text="not handed out")
    closed.outcome = "undone"
    session.add(
        LossReport(
            person_id=person.id,
            card_id=card.id,
            reported_at=closed.reported_at,
            reported_by=closed.reported_by,
            was_suspended=closed.was_suspended,
        )
    )
    _suspend_virtual(session, live, by=by, now=now)
    return is_returned


def give_fee_back(session: Session, person: Person, loss_id: UUID, now: datetime) -> Refusal | None:
    """Return the fee of a reissue whose card was not handed out, once however often it is asked for.

    Args:
        session: a writing transaction.
        person: the holder, locked.
        loss_id: the report that the card was issued for.
        now: the current time.

    Returns:
        Why the wallet does not take it, or None.
    """
    fee = _fee_id(loss_id)
    back = Transfer(
        id=uuid5(fee, "reversed"),
        purpose=REVERSED,
        debit=chart.open_named(session, AccountKind.FEE, FEE_ACCOUNT, now),
        credit=person.id,
        amount=FEE_FEN,
        corrects=fee,
    )
    (outcome,) = posting.record(session, [back], now)
    return outcome.refusal


def _require_due(session: Session, person: Person, now: datetime) -> LossReport:
    found = _require_loss(session, person)
    if now < found.reported_at + WAIT:
        raise ReissueTooEarlyError(possible_at=found.reported_at + WAIT)
    return found


def _require_loss(session: Session, person: Person) -> LossReport:
    found = open_loss(session, person.id, lock=True)
    if found is None:
        raise NoLossError
    return found


def _take_fee(session: Session, person: Person, found: LossReport, now: datetime) -> None:
    fees = chart.open_named(session, AccountKind.FEE, FEE_ACCOUNT, now)
    transfer = Transfer(
        id=_fee_id(found.id),
        purpose="reissue",
        debit=person.id,
        credit=fees,
        amount=FEE_FEN,
    )
    (outcome,) = posting.record(session, [transfer], now)
    if outcome.refusal is not None:
        raise ReissueFeeError(outcome.refusal.message, reason=outcome.refusal.code.value, fee=FEE_FEN)


def _fee_id(loss_id: UUID) -> UUID:
    """Return the id of the fee's transfer: one report, one fee."""
    return uuid5(NAMESPACE_OID, f"reissue:{loss_id}")


def _suspend_virtual(session: Session, live: Sequence[Card], *, by: str, now: datetime) -> None:
    for card in live:
        if card.kind is CardKind.VIRTUAL and card.state is CardState.ACTIVE:
            registry.apply(session, card, CardAction.SUSPEND, by=by, now=now, note_text="loss")
            card.suspended_for_loss = True


def _release_virtual(session: Session, person_id: UUID, *, by: str, now: datetime) -> None:
    for card in registry.of_person(session, person_id, lock=True):
        if card.suspended_for_loss:
            registry.apply(session, card, CardAction.RELEASE, by=by, now=now, note_text="loss closed")
