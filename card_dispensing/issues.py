"""The book of cards that dispensers are to hand out: asked for, prepared, booked, and handed out or given up.

People are locked before the issues of their cards.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from accounts import audit, cards, people
from accounts.cards import loss
from accounts.people.notices import AccountNotice
from accounts.reissue import reissue, undo_reissue
from accounts.services import AccountsServices
from accounts.tables import Device
from card_dispensing import sightings
from card_dispensing.contract import Fault, IssueState
from card_dispensing.tables import CardIssue
from web.problems import NotFoundError, ProblemError

BOOKED_WITHIN: Final = timedelta(seconds=90)
"""Whoever asked for a card waits for it so long at most; a card that comes later is for whoever stands there then."""
HANDED_OUT_WITHIN: Final = timedelta(seconds=90)
"""From the booking on, for the same reason: also a process that was started again hands out nothing later."""
_CLOCK_STEP: Final = timedelta(seconds=5)
"""How far a clock is set back without a word; by more, and nobody knows how long ago it was."""
_BOOKED: Final = (IssueState.BOOKED.value,)
_OPEN: Final = (IssueState.WAITING.value, IssueState.PREPARING.value, *_BOOKED)


class DispenserBusyError(ProblemError):
    """The dispenser is handing out another card."""

    code = "card_dispenser_busy"
    status = 409
    title = "The dispenser is handing out another card"


class IssueOverError(ProblemError):
    """The issue has ended, or is not where this would be possible; `state` says where it is."""

    code = "card_issue_over"
    status = 409
    title = "This issue of a card cannot go on so"


class IssueLateError(ProblemError):
    """Whoever asked for the card cannot be expected to stand there any more."""

    code = "card_issue_late"
    status = 409
    title = "The card was asked for too long ago"


class OtherCardError(ProblemError):
    """Another card was booked for this issue."""

    code = "card_issue_of_another_card"
    status = 409
    title = "Another card was booked for this issue"


@dataclass(frozen=True, slots=True)
class WantedCard:
    """A card that somebody asks for at a kiosk. `id` is the same when they ask again."""

    id: UUID
    person_id: UUID
    kiosk_id: UUID


def find_own(session: Session, issue_id: UUID, person_id: UUID) -> CardIssue:
    """Return the issue of a card for a person.

    Raises:
        NotFoundError: this person asked for no such card.
    """
    issue = session.get(CardIssue, issue_id)
    if issue is None or issue.person_id != person_id:
        raise NotFoundError("this person asked for no such card")
    return issue


def find_open(session: Session, dispenser_id: UUID) -> CardIssue | None:
    """Return what a dispenser is to hand out, or None."""
    return session.scalar(select(CardIssue).where(CardIssue.dispenser_id == dispenser_id, CardIssue.state.in_(_OPEN)))


def find_left(session: Session, dispenser_id: UUID) -> CardIssue | None:
    """Return an open issue of a dispenser of the same kiosk whose token was ended meanwhile, or None."""
    before = aliased(Device)
    query = (
        select(CardIssue)
        .join(before, before.id == CardIssue.dispenser_id)
        .join(Device, Device.kiosk_id == before.kiosk_id)
        .where(Device.id == dispenser_id, before.id != dispenser_id, before.revoked_at.is_not(None))
        .where(CardIssue.state.in_(_OPEN))
    )
    return session.scalar(query.limit(1))


def adopt(session: Session, dispenser_id: UUID, issue_id: UUID, now: datetime) -> CardIssue | None:
    """Let a dispenser bring to its end what the one before it began; return that, or None where it has ended."""
    issue = session.get_one(CardIssue, issue_id)
    people.get(session, issue.person_id, lock=True)
    session.refresh(issue, with_for_update=True)
    if issue.state not in _OPEN:
        return None
    issue.dispenser_id = dispenser_id
    session.flush()
    _record(session, issue, "adopt", now)
    return issue


def is_late(issue: CardIssue, now: datetime) -> bool:
    """Whether whoever asked cannot be expected to stand there any more."""
    began, within = (issue.asked_at, BOOKED_WITHIN) if issue.booked_at is None else (issue.booked_at, HANDED_OUT_WITHIN)
    return not began - _CLOCK_STEP <= now <= began + within


def ask(session: Session, wanted: WantedCard, now: datetime) -> CardIssue:
    """Ask for a card for a lost one; asked again it is the same.

    Raises:
        AccountNotUsableError, NoLossError, ReissueTooEarlyError, ReissueFeeError: as a reissue would say.
        sightings.DispenserNotReadyError, DispenserBusyError: see there.
    """
    person = people.get(session, wanted.person_id, lock=True)
    if (earlier := session.get(CardIssue, wanted.id)) is not None:
        return find_own(session, earlier.id, wanted.person_id)
    people.require_usable(person, now)
    loss.require_reissuable(session, person, now)
    dispenser = sightings.find_dispenser(session, wanted.kiosk_id)
    if dispenser is None:
        raise sightings.DispenserNotReadyError(reason=sightings.SILENT)
    # Two kiosks' screens that ask at the same moment do so one after the other.
    session.refresh(dispenser, with_for_update=True)
    close_late(session, dispenser.id, now)
    if find_open(session, dispenser.id) is not None:
        raise DispenserBusyError
    if (why := sightings.find_unreadiness(session, dispenser.id, now)) is not None:
        raise sightings.DispenserNotReadyError(reason=why)
    issue = CardIssue(
        id=wanted.id,
        person_id=person.id,
        kiosk_id=wanted.kiosk_id,
        dispenser_id=dispenser.id,
        state=IssueState.WAITING.value,
        asked_at=now,
    )
    session.add(issue)
    session.flush()
    return issue


def close_late(session: Session, dispenser_id: UUID, now: datetime) -> None:
    """Give up what was asked for too long ago; what is booked is for the dispenser's process to end."""
    issue = find_open(session, dispenser_id)
    if issue is None:
        return
    session.refresh(issue, with_for_update=True)
    if issue.state in (IssueState.WAITING.value, IssueState.PREPARING.value) and is_late(issue, now):
        _fail(session, issue, Fault.TOO_LATE.value, now)
        session.flush()


def begin(session: Session, dispenser_id: UUID, issue_id: UUID, now: datetime) -> CardIssue:
    """Note that a card is being prepared.

    Raises:
        NotFoundError: this dispenser has no such issue.
        IssueOverError: it does not wait any more.
    """
    issue = _lock(session, dispenser_id, issue_id)
    if issue.state != IssueState.WAITING.value or is_late(issue, now):
        raise IssueOverError(state=issue.state)
    issue.state = IssueState.PREPARING.value
    return issue


def book(services: AccountsServices, dispenser_id: UUID, issue_id: UUID, uid: str, now: datetime) -> None:
    """Issue the card at the reader against the fee; asked again for the same card it is issued once.

    What stands in the way ends the issue: nothing is taken then.

    Raises:
        NotFoundError: this dispenser has no such issue.
        IssueOverError, IssueLateError, OtherCardError: see there.
        ProblemError: as `accounts.reissue.reissue`.
    """
    try:
        with services.database.begin() as session:
            _book(services, session, _lock(session, dispenser_id, issue_id), uid, now)
    except (NotFoundError, IssueOverError, OtherCardError):
        raise
    except ProblemError as error:
        with services.database.begin() as session:
            issue = _lock(session, dispenser_id, issue_id)
            if issue.state == IssueState.PREPARING.value:
                _fail(session, issue, error.code, now)
        raise


def hand_out(session: Session, dispenser_id: UUID, issue_id: UUID, now: datetime) -> None:
    """Note that the card has left by the gate; noted twice it is noted.

    Raises:
        NotFoundError: this dispenser has no such issue.
        IssueOverError: it is not booked.
    """
    issue = _lock_for(session, dispenser_id, issue_id, IssueState.HANDED_OUT, of=_BOOKED)
    if issue is None:
        return
    issue.state, issue.ended_at = IssueState.HANDED_OUT.value, now
    _record(session, issue, "hand_out", now)


def mark_unclear(
    services: AccountsServices, session: Session, dispenser_id: UUID, issue_id: UUID, *, now: datetime
) -> None:
    """Note that a booked card is gone and nobody saw where to: staff settle it, and the holder is told.

    Card and fee stay as they are: whoever asked for the card may well have it. Noted twice it is noted.

    Raises:
        NotFoundError: this dispenser has no such issue.
        IssueOverError: it is not booked.
    """
    issue = _lock_for(session, dispenser_id, issue_id, IssueState.UNCLEAR, of=_BOOKED)
    if issue is None:
        return
    issue.state, issue.problem = IssueState.UNCLEAR.value, sightings.GONE
    services.notify(session, issue.person_id, AccountNotice.REISSUE_UNCLEAR, now=now)
    _record(session, issue, "unclear", now)


def give_up(
    services: AccountsServices,
    session: Session,
    dispenser_id: UUID,
    issue_id: UUID,
    *,
    fault: Fault | None,
    now: datetime,
) -> None:
    """End an issue without a card: nothing is taken, and what was is given back. Given up twice it is given up.

    Raises:
        NotFoundError: this dispenser has no such issue.
        IssueOverError: the card was handed out, or is gone.
    """
    issue = _lock_for(session, dispenser_id, issue_id, IssueState.FAILED, of=_OPEN)
    if issue is None:
        return
    problem = (fault or Fault.DEFECT).value
    if issue.loss_id is not None and issue.card_id is not None:
        by = _actor(issue.dispenser_id)
        if not undo_reissue(services, session, issue.person_id, issue.loss_id, issue.card_id, by=by, now=now):
            problem = sightings.FEE_KEPT
    _fail(session, issue, problem, now)


def _book(services: AccountsServices, session: Session, issue: CardIssue, uid: str, now: datetime) -> None:
    if issue.state == IssueState.BOOKED.value and issue.card_id is not None:
        if cards.get(session, issue.card_id).uid_digest != cards.uid_digest(session, uid):
            raise OtherCardError
        return
    if issue.state != IssueState.PREPARING.value:
        raise IssueOverError(state=issue.state)
    if is_late(issue, now):
        raise IssueLateError
    found = loss.open_loss(session, issue.person_id)
    made = reissue(services, session, issue.person_id, uid, by=_actor(issue.kiosk_id), now=now)
    issue.state, issue.booked_at = IssueState.BOOKED.value, now
    issue.card_id, issue.loss_id = made.id, None if found is None else found.id


def _lock(session: Session, dispenser_id: UUID, issue_id: UUID) -> CardIssue:
    issue = session.get(CardIssue, issue_id)
    if issue is None or issue.dispenser_id != dispenser_id:
        raise NotFoundError("this dispenser has no such issue")
    people.get(session, issue.person_id, lock=True)
    session.refresh(issue, with_for_update=True)
    return issue


def _lock_for(
    session: Session, dispenser_id: UUID, issue_id: UUID, state: IssueState, *, of: Collection[str]
) -> CardIssue | None:
    """Return an issue in one of the states `of`, to be brought to `state`; None where it is there already.

    Raises:
        NotFoundError: this dispenser has no such issue.
        IssueOverError: it is in another state.
    """
    issue = _lock(session, dispenser_id, issue_id)
    if issue.state == state.value:
        return None
    if issue.state not in of:
        raise IssueOverError(state=issue.state)
    return issue


def _fail(session: Session, issue: CardIssue, problem: str, now: datetime) -> None:
    issue.state, issue.problem, issue.ended_at = IssueState.FAILED.value, problem, now
    _record(session, issue, "fail", now, problem=problem, reversed=issue.booked_at is not None)


def _record(session: Session, issue: CardIssue, action: str, now: datetime, **details: audit.Scalar) -> None:
    audit.record(
        session,
        actor=_actor(issue.dispenser_id),
        action=f"card_issue.{action}",
        subject=audit.person_actor(issue.person_id),
        now=now,
        details={"issue": str(issue.id), **details},
    )


def _actor(device_id: UUID) -> str:
    return audit.device_actor(device_id)
