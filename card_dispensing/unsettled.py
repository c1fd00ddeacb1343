"""What a kiosk left that only somebody at the card centre can settle.

A fee that the wallet did not take back, or a booked card that is gone and may be anybody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.people import authority
from accounts.people.authority import Acting
from accounts.reissue import give_fee_back, undo_reissue
from accounts.services import AccountsServices
from accounts.tables import Device
from card_dispensing import sightings
from card_dispensing.contract import IssueState
from card_dispensing.issues import IssueOverError, find_own
from card_dispensing.tables import CardIssue

_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One issue of a card: whose, at which kiosk, what is to be settled, and when the card was asked for."""

    id: UUID
    person_id: UUID
    kiosk: str
    what: str
    asked_at: datetime


def find_unsettled(session: Session, person_id: UUID | None = None) -> Sequence[Unsettled]:
    """Return what is to be settled, of everybody or of one person, the newest first."""
    query = (
        select(CardIssue, Device.name)
        .join(Device, Device.id == CardIssue.kiosk_id)
        .where(or_(CardIssue.state == IssueState.UNCLEAR.value, CardIssue.problem == sightings.FEE_KEPT))
        .order_by(CardIssue.asked_at.desc())
        .limit(_MOST)
    )
    if person_id is not None:
        query = query.where(CardIssue.person_id == person_id)
    return [
        Unsettled(issue.id, issue.person_id, kiosk, issue.problem or "", issue.asked_at)
        for issue, kiosk in session.execute(query)
    ]


def return_fee(
    services: AccountsServices, session: Session, acting: Acting, person_id: UUID, issue_id: UUID, *, now: datetime
) -> None:
    """Give a fee back that was kept; given back twice it is given back once.

    Raises:
        NotFoundError: this person asked for no such card.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
        FeeNotReturnedError: the wallet does not take it now either.
        IssueOverError: no fee was kept.
    """
    issue = _lock(session, person_id, issue_id)
    if issue.problem == sightings.FEE_RETURNED:
        return
    if issue.problem != sightings.FEE_KEPT or issue.loss_id is None:
        raise IssueOverError(state=issue.state)
    give_fee_back(services, session, acting, person_id, issue.loss_id, now=now)
    issue.problem = sightings.FEE_RETURNED
    _record(session, acting, issue, "return_fee", now)


def settle_gone(
    services: AccountsServices,
    session: Session,
    acting: Acting,
    person_id: UUID,
    issue_id: UUID,
    *,
    has_card: bool,
    now: datetime,
) -> None:
    """Say what became of a card that is gone: its holder has it, or it was not handed out and is reversed.

    Said twice alike it is said once.

    Raises:
        NotFoundError: this person asked for no such card.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
        IssueOverError: it is not unclear any more.
    """
    issue = _lock(session, person_id, issue_id)
    authority.require(session, acting, person_id)
    end = IssueState.HANDED_OUT if has_card else IssueState.FAILED
    if issue.state == end.value:
        return
    if issue.state != IssueState.UNCLEAR.value or issue.loss_id is None or issue.card_id is None:
        raise IssueOverError(state=issue.state)
    if has_card:
        issue.problem = None
    else:
        by = audit.person_actor(acting.person_id)
        if not undo_reissue(services, session, person_id, issue.loss_id, issue.card_id, by=by, now=now):
            issue.problem = sightings.FEE_KEPT
    issue.state, issue.ended_at = end.value, now
    _record(session, acting, issue, "settle", now, outcome=end.value)


def _lock(session: Session, person_id: UUID, issue_id: UUID) -> CardIssue:
    people.get(session, person_id, lock=True)
    issue = find_own(session, issue_id, person_id)
    session.refresh(issue, with_for_update=True)
    return issue


def _record(
    session: Session, acting: Acting, issue: CardIssue, action: str, now: datetime, **details: audit.Scalar
) -> None:
    audit.record(
        session,
        actor=audit.person_actor(acting.person_id),
        action=f"card_issue.{action}",
        subject=audit.person_actor(issue.person_id),
        now=now,
        details={"issue": str(issue.id), **details},
    )
