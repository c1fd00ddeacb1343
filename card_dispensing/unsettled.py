"""What a kiosk left that only somebody at the card centre can settle: a fee that the wallet did not take back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.people.authority import Acting
from accounts.reissue import give_fee_back
from accounts.services import AccountsServices
from accounts.tables import Device
from card_dispensing import sightings
from card_dispensing.contract import IssueState
from card_dispensing.issues import IssueOverError, find_own
from card_dispensing.tables import CardIssue

_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One issue of a card: whose, at which kiosk, what is to be settled, and since when."""

    id: UUID
    person_id: UUID
    kiosk: str
    what: str
    since: datetime


def find_unsettled(session: Session, person_id: UUID | None = None) -> Sequence[Unsettled]:
    """Return what is to be settled, of everybody or of one person, the newest first."""
    query = (
        select(CardIssue, Device.name)
        .join(Device, Device.id == CardIssue.kiosk_id)
        .where(CardIssue.state == IssueState.FAILED.value, CardIssue.problem == sightings.FEE_KEPT)
        .order_by(CardIssue.ended_at.desc())
        .limit(_MOST)
    )
    if person_id is not None:
        query = query.where(CardIssue.person_id == person_id)
    return [
        Unsettled(issue.id, issue.person_id, kiosk, issue.problem or "", issue.ended_at or issue.asked_at)
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
    people.get(session, person_id, lock=True)
    issue = find_own(session, issue_id, person_id)
    session.refresh(issue, with_for_update=True)
    if issue.problem == sightings.FEE_RETURNED:
        return
    if issue.problem != sightings.FEE_KEPT or issue.loss_id is None:
        raise IssueOverError(state=issue.state)
    give_fee_back(services, session, acting, person_id, issue.loss_id, now=now)
    issue.problem = sightings.FEE_RETURNED
    audit.record(
        session,
        actor=audit.person_actor(acting.person_id),
        action="card_issue.return_fee",
        subject=audit.person_actor(person_id),
        now=now,
        details={"issue": str(issue.id)},
    )
