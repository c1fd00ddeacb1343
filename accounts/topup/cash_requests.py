"""Cash above the ceiling waits for a second person, who is an administrator, and neither who asked nor whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.payments.problems import PaymentIdReusedError
from accounts.topup import money_trail
from accounts.topup.tables import CashRequest
from web.problems import NotFoundError, ProblemError

WAITING, DONE, DECLINED = "waiting", "done", "declined"


class CashRequestDecidedError(ProblemError):
    """Somebody decided otherwise before; `state` says what became of it."""

    code = "cash_request_decided"
    status = 409
    title = "This request was decided otherwise before"


class AskerDecidesError(ProblemError):
    """Who asked does not decide."""

    code = "asker_cannot_decide"
    status = 403
    title = "Another person than the one who asked must decide"


@dataclass(frozen=True, slots=True)
class RequestedCash:
    """What is asked for: the client's id, `cash_in` or `cash_out`, where, whose, and fen."""

    id: UUID
    purpose: str
    box: str
    person_id: UUID
    amount: int


def find(session: Session, requested: RequestedCash) -> CashRequest | None:
    """Return the request with this id, if it was asked before.

    Raises:
        PaymentIdReusedError: it was another request.
    """
    found = session.get(CashRequest, requested.id)
    if found is None:
        return None
    if RequestedCash(found.id, found.purpose, found.box, found.person_id, found.amount) != requested:
        raise PaymentIdReusedError
    return found


def add(session: Session, requested: RequestedCash, *, by: str, now: datetime) -> CashRequest:
    """Record a request; nothing moves."""
    made = CashRequest(
        id=requested.id,
        purpose=requested.purpose,
        box=requested.box,
        person_id=requested.person_id,
        amount=requested.amount,
        state=WAITING,
        asked_by=by,
        asked_at=now,
    )
    session.add(made)
    _record(session, made, "cash_request.ask", by=by, now=now)
    return made


def get_for_decision(session: Session, request_id: UUID, *, accept: bool, by: str) -> CashRequest:
    """Return a request, locked: one that waits, or one that was decided the same way before.

    Raises:
        NotFoundError: there is none with this id.
        AskerDecidesError: `by` asked for it.
        CashRequestDecidedError: it was decided otherwise.
    """
    found = session.get(CashRequest, request_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("there is no cash request with this id")
    if found.asked_by == by:
        raise AskerDecidesError
    if found.state != WAITING and (found.state == DONE) != accept:
        raise CashRequestDecidedError(state=found.state)
    return found


def record_decision(session: Session, request: CashRequest, *, accept: bool, by: str, now: datetime) -> None:
    """Record who decided, and how."""
    request.state, request.decided_by, request.decided_at = DONE if accept else DECLINED, by, now
    _record(session, request, f"cash_request.{request.state}", by=by, now=now)


def person_of(session: Session, request_id: UUID) -> UUID | None:
    """Return whose account a request is about."""
    return session.scalar(select(CashRequest.person_id).where(CashRequest.id == request_id))


def waiting(session: Session, *, after: UUID | None, limit: int) -> Sequence[CashRequest]:
    """Return the requests that wait."""
    query = select(CashRequest).where(CashRequest.state == WAITING).order_by(CashRequest.id).limit(limit)
    if after is not None:
        query = query.where(CashRequest.id > after)
    return session.scalars(query).all()


def find_recent(
    session: Session,
    *,
    box: str | None = None,
    person_id: UUID | None = None,
    is_waiting: bool | None = None,
    limit: int,
) -> Sequence[CashRequest]:
    """Return requests, the last asked first; of a box or a person where one is given.

    `is_waiting` leaves only those that wait, or only those that were decided.
    """
    query = select(CashRequest).order_by(CashRequest.asked_at.desc(), CashRequest.id.desc()).limit(limit)
    if box is not None:
        query = query.where(CashRequest.box == box)
    if person_id is not None:
        query = query.where(CashRequest.person_id == person_id)
    if is_waiting is not None:
        query = query.where(CashRequest.state == WAITING if is_waiting else CashRequest.state != WAITING)
    return session.scalars(query).all()


def _record(session: Session, request: CashRequest, action: str, *, by: str, now: datetime) -> None:
    money_trail.record(session, action, request.person_id, request.amount, request.id, by=by, now=now)
