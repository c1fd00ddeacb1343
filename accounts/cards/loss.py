"""Loss and reissue (挂失、补办): physical and virtual card are one account, so they stop and start together.

A new card is issued from 24 hours after the report on, and costs 10 yuan of the balance, taken in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.cards import registry
from accounts.cards.card_states import CardAction
from accounts.ledger import chart, posting
from accounts.ledger.transfer import AccountKind, Transfer
from accounts.tables import Card, LossReport, Person
from accounts.vocabulary import CardKind, CardState
from web.problems import ProblemError

WAIT = timedelta(hours=24)
FEE_FEN = 1000
FEE_ACCOUNT = "reissue"


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
    for card in live:
        if card.kind is CardKind.VIRTUAL and card.state is CardState.ACTIVE:
            registry.apply(session, card, CardAction.SUSPEND, by=by, now=now, note_text="loss")
            card.suspended_for_loss = True
    return made


def release(session: Session, person: Person, *, by: str, now: datetime) -> None:
    """The card was found: it and the virtual ones work again.

    Raises:
        NoLossError: no loss is reported.
    """
    found = _require_loss(session, person)
    physical = registry.get(session, found.card_id, lock=True)
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
    found = _require_loss(session, person)
    if now < found.reported_at + WAIT:
        raise ReissueTooEarlyError(possible_at=found.reported_at + WAIT)
    # Cards are locked before the wallet: the order that a payment by code locks them in.
    old = registry.get(session, found.card_id, lock=True)
    registry.of_person(session, person.id, lock=True)
    _take_fee(session, person, found, now)
    registry.apply(session, old, CardAction.REPLACE, by=by, now=now)
    session.flush()
    card = registry.issue(session, person, uid, key_number=key_number, by=by, now=now)
    _release_virtual(session, person.id, by=by, now=now)
    found.closed_at, found.outcome = now, "reissued"
    return card


def _require_loss(session: Session, person: Person) -> LossReport:
    found = open_loss(session, person.id, lock=True)
    if found is None:
        raise NoLossError
    return found


def _take_fee(session: Session, person: Person, found: LossReport, now: datetime) -> None:
    fees = chart.open_named(session, AccountKind.FEE, FEE_ACCOUNT, now)
    transfer = Transfer(
        # One report, one fee: the id follows from the report.
        id=uuid5(NAMESPACE_OID, f"reissue:{found.id}"),
        purpose="reissue",
        debit=person.id,
        credit=fees,
        amount=FEE_FEN,
    )
    (outcome,) = posting.record(session, [transfer], now)
    if outcome.refusal is not None:
        raise ReissueFeeError(outcome.refusal.message, reason=outcome.refusal.code.value, fee=FEE_FEN)


def _release_virtual(session: Session, person_id: UUID, *, by: str, now: datetime) -> None:
    for card in registry.of_person(session, person_id, lock=True):
        if card.suspended_for_loss:
            registry.apply(session, card, CardAction.RELEASE, by=by, now=now, note_text="loss closed")
