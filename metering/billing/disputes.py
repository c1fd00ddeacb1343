"""Disputes: a resident doubts a charge, staff look at its readings and answer.

An answer moves no money. Where a reading was wrong, deciding on it does: the billing run then withdraws the charge.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from database import new_id
from metering.billing import run
from metering.billing.automatic import NotResidentError
from metering.billing.tables import ChargeDispute, RoomCharge
from web.problems import NotFoundError, ProblemError


class DisputeState(StrEnum):
    """What became of a dispute."""

    OPEN = "open"
    UPHELD = "upheld"
    DECLINED = "declined"


class DisputeDecidedError(ProblemError):
    """Somebody answered it otherwise; `state` says how."""

    code = "dispute_decided"
    status = 409
    title = "This dispute was answered before"


def dispute(session: Session, charge_id: UUID, person_id: UUID, text: str, now: datetime) -> ChargeDispute:
    """Note what a resident says against a charge of a day on which they lived there; saying it again changes nothing.

    Raises:
        NotFoundError: there is no such charge.
        NotResidentError: they did not live there.
    """
    charge = find_charge(session, charge_id)
    if not any(stay.person == person_id and stay.is_on(charge.day) for stay in run.stays_of(session, charge.room_id)):
        raise NotResidentError
    known = session.scalar(
        select(ChargeDispute).where(ChargeDispute.charge_id == charge_id, ChargeDispute.person_id == person_id)
    )
    if known is not None:
        return known
    row = ChargeDispute(
        id=new_id(),
        charge_id=charge_id,
        person_id=person_id,
        text=text,
        state=DisputeState.OPEN.value,
        raised_at=now,
    )
    session.add(row)
    session.flush()
    return row


def decide(
    session: Session, dispute_id: UUID, state: DisputeState, answer: str, *, by: str, now: datetime
) -> ChargeDispute:
    """Answer a dispute; the same answer again changes nothing.

    Raises:
        NotFoundError: there is no such dispute.
        DisputeDecidedError: see there.
    """
    row = session.get(ChargeDispute, dispute_id, with_for_update=True)
    if row is None:
        raise NotFoundError("there is no dispute with this id")
    if row.state != DisputeState.OPEN:
        if (row.state, row.answer) != (state, answer):
            raise DisputeDecidedError(state=row.state)
        return row
    row.state, row.answer, row.decided_by, row.decided_at = state.value, answer, by, now
    details: dict[str, audit.Scalar | list[str]] = {"state": state.value}
    audit.record(session, actor=by, action="dispute.decide", subject=f"dispute:{row.id}", now=now, details=details)
    return row


def find_charge(session: Session, charge_id: UUID) -> RoomCharge:
    """Return a charge.

    Raises:
        NotFoundError: there is none.
    """
    charge = session.get(RoomCharge, charge_id)
    if charge is None:
        raise NotFoundError("there is no charge with this id")
    return charge


def find(
    session: Session,
    *,
    state: DisputeState | None = None,
    person_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[tuple[ChargeDispute, RoomCharge]]:
    """Return disputes with their charges, oldest first; those of one person, or in one state."""
    query = select(ChargeDispute, RoomCharge).join(RoomCharge, RoomCharge.id == ChargeDispute.charge_id)
    if state is not None:
        query = query.where(ChargeDispute.state == state)
    if person_id is not None:
        query = query.where(ChargeDispute.person_id == person_id)
    if after is not None:
        query = query.where(ChargeDispute.id > after)
    return [(row[0], row[1]) for row in session.execute(query.order_by(ChargeDispute.id).limit(limit))]
