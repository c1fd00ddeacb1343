"""Disputes: a holder says that a session was charged wrongly, staff look at its readings and decide once."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts import audit
from accounts.payments.services import MoneyServices
from database import new_id
from metering.sessions import refunds
from metering.sessions.tables import WaterDispute, WaterSession
from metering.vocabulary import SessionState
from web.problems import NotFoundError, ProblemError


class WaterDisputeState(StrEnum):
    """Where a dispute is."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class DisputeExistsError(ProblemError):
    """The session is disputed already; `dispute_id` says where."""

    code = "session_disputed"
    status = 409
    title = "This session is disputed already"


class NothingToDisputeError(ProblemError):
    """Nothing was charged for the session, or it still runs or waits for a person."""

    code = "nothing_to_dispute"
    status = 409
    title = "Nothing was charged for this session yet"


class WaterDisputeDecidedError(ProblemError):
    """Somebody decided otherwise before."""

    code = "water_dispute_decided"
    status = 409
    title = "This dispute is decided"


class RefundAboveChargeError(ProblemError):
    """Only `left` fen of the session's charge can be given back."""

    code = "refund_above_charge"
    status = 409
    title = "More than was paid cannot be given back"


def open_dispute(session: Session, session_id: UUID, person_id: UUID, text: str, now: datetime) -> WaterDispute:
    """Open a dispute of one's own session.

    Raises:
        NotFoundError: it is nobody's, or another's.
        NothingToDisputeError, DisputeExistsError: see there.
    """
    row = session.get(WaterSession, session_id)
    if row is None or row.person_id != person_id:
        raise NotFoundError("you have no such session")
    if row.billed == 0 or row.state not in (SessionState.SETTLED, SessionState.EXPIRED):
        raise NothingToDisputeError
    known = session.scalar(select(WaterDispute).where(WaterDispute.session_id == session_id))
    if known is not None:
        raise DisputeExistsError(dispute_id=str(known.id))
    dispute = WaterDispute(
        id=new_id(),
        session_id=session_id,
        person_id=person_id,
        text=text,
        state=WaterDisputeState.OPEN,
        opened_at=now,
        refund=0,
    )
    session.add(dispute)
    try:
        session.flush()
    except IntegrityError as error:
        raise DisputeExistsError from error
    return dispute


def decide(
    services: MoneyServices, dispute_id: UUID, *, refund: int, answer: str, by: str, now: datetime
) -> WaterDispute:
    """Give `refund` fen back, or decline with 0; the same decision again changes nothing.

    Raises:
        NotFoundError: there is no such dispute.
        WaterDisputeDecidedError, RefundAboveChargeError: see there.
    """

    def work(session: Session, _: datetime) -> WaterDispute:
        dispute = session.get(WaterDispute, dispute_id, with_for_update=True, populate_existing=True)
        if dispute is None:
            raise NotFoundError("there is no such dispute")
        if dispute.state != WaterDisputeState.OPEN:
            if dispute.refund != refund:
                raise WaterDisputeDecidedError(state=dispute.state)
            return dispute
        row = session.get_one(WaterSession, dispute.session_id, populate_existing=True)
        zone = services.accounts.zone
        given = refunds.give_back(session, row, refund, ref=dispute.id, zone=zone, by=by, now=now) if refund else 0
        if given < refund:
            raise RefundAboveChargeError(left=given)
        dispute.state = WaterDisputeState.ACCEPTED if refund else WaterDisputeState.DECLINED
        dispute.refund, dispute.answer, dispute.decided_by, dispute.decided_at = refund, answer, by, now
        audit.record(
            session,
            actor=by,
            action="water_dispute.decide",
            subject=f"water_dispute:{dispute.id}",
            now=now,
            details={"session": str(row.id), "refund": refund},
        )
        return dispute

    return services.writer.run(work)


def person_of(session: Session, dispute_id: UUID) -> UUID | None:
    """Return whose dispute it is."""
    return session.scalar(select(WaterDispute.person_id).where(WaterDispute.id == dispute_id))


def find_disputes(
    session: Session, *, state: WaterDisputeState | None, after: UUID | None, limit: int
) -> Sequence[WaterDispute]:
    """Return disputes in the order in which they were opened."""
    query = select(WaterDispute).order_by(WaterDispute.id).limit(limit)
    if state is not None:
        query = query.where(WaterDispute.state == state)
    return session.scalars(query if after is None else query.where(WaterDispute.id > after)).all()
