"""What staff ask for a room's supply, with a second person, and what residents apply for in writing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from metering.supply import room_state
from metering.supply.review import SupplyKeeper
from metering.supply.rules import TRIP_RULES
from metering.supply.states import RequestAction, RequestState
from metering.supply.tables import SupplyGround, SupplyRequest
from metering.vocabulary import TripReason
from web.problems import NotFoundError, ProblemError

CONFIRM_WITHIN = timedelta(minutes=30)
"""A request that nobody confirmed is void after this: a room must not go dark for what everybody has forgotten."""
TRIPS_BY_STAFF = frozenset({TripReason.STAFF, TripReason.OVERLOAD, TripReason.MALICIOUS_LOAD, TripReason.REPLACEMENT})
_DANGERS = frozenset({TripReason.OVERLOAD, TripReason.MALICIOUS_LOAD})
"""Never wait for a second person: a load that may burn."""


class SupplyRequestNotWaitingError(ProblemError):
    """The request was confirmed or cancelled before, or its time is over."""

    code = "supply_request_not_waiting"
    status = 409
    title = "This request for a supply does not wait for anybody any more"


class SecondPersonForSupplyError(ProblemError):
    """Whoever asked cannot also confirm."""

    code = "supply_second_person_needed"
    status = 403
    title = "Another person must confirm this"


class NotForStaffError(ProblemError):
    """Staff neither begin nor end a cut-off for this reason; `lifted_by` says what ends it."""

    code = "supply_not_for_staff"
    status = 409
    title = "A cut-off for this reason is not for staff to begin or end"


class NoSuchCutOffError(ProblemError):
    """The room is not cut off for this reason."""

    code = "supply_not_cut_off"
    status = 409
    title = "The room is not cut off for this reason"


def ask(
    session: Session,
    keeper: SupplyKeeper,
    room_id: UUID,
    action: RequestAction,
    reason: TripReason,
    *,
    note: str,
    by: UUID,
    two_persons: bool,
    now: datetime,
) -> SupplyRequest:
    """Write a request of staff down; carry it out at once where no second person is wanted, or in danger.

    Raises:
        NotForStaffError: the reason is not one that staff begin, or end.
        NoSuchCutOffError: there is nothing to end.
    """
    if action is RequestAction.TRIP:
        if reason not in TRIPS_BY_STAFF:
            raise NotForStaffError(lifted_by=TRIP_RULES[reason].lifted_by)
    else:
        _find_liftable(session, room_id, reason)
    request = SupplyRequest(
        room_id=room_id,
        action=action,
        reason=reason,
        note=note,
        state=RequestState.WAITING,
        asked_by=by,
        asked_at=now,
    )
    session.add(request)
    session.flush()
    _note(session, request, "supply.ask", by, now)
    is_urgent = action is RequestAction.TRIP and reason in _DANGERS
    if is_urgent or not two_persons:
        _carry_out(session, keeper, request, by=by, now=now)
    return request


def confirm(session: Session, keeper: SupplyKeeper, request_id: UUID, *, by: UUID, now: datetime) -> SupplyRequest:
    """Let a second person confirm a request, which is then carried out.

    Raises:
        NotFoundError, SupplyRequestNotWaitingError, SecondPersonForSupplyError: see there.
        NotForStaffError, NoSuchCutOffError: as `ask`; what is to be ended may have ended meanwhile.
    """
    request = _find_waiting(session, request_id, now)
    if request.asked_by == by:
        raise SecondPersonForSupplyError
    _note(session, request, "supply.confirm", by, now)
    _carry_out(session, keeper, request, by=by, now=now)
    return request


def cancel(session: Session, request_id: UUID, *, by: UUID, now: datetime) -> SupplyRequest:
    """Take a request back, or refuse what a resident applied for.

    Raises:
        NotFoundError, SupplyRequestNotWaitingError: see there.
    """
    request = _find_waiting(session, request_id, now)
    request.state, request.decided_by, request.decided_at = RequestState.CANCELLED, by, now
    _note(session, request, "supply.cancel", by, now)
    return request


def apply(session: Session, room_id: UUID, reason: TripReason, *, note: str, by: UUID, now: datetime) -> SupplyRequest:
    """Write down what a resident applies for: that staff end a cut-off which does not end by itself.

    Raises:
        NotForStaffError: something else ends it.
        NoSuchCutOffError: the room is not cut off for this reason, or that ends by itself.
    """
    ground = _find_liftable(session, room_id, reason)
    if ground.until is not None:
        raise NoSuchCutOffError("this cut-off ends by itself")
    for waiting in find(session, state=RequestState.WAITING, room_id=room_id):
        if (waiting.action, waiting.reason, waiting.asked_by) == (RequestAction.APPLY, reason, by):
            return waiting
    request = SupplyRequest(
        room_id=room_id,
        action=RequestAction.APPLY,
        reason=reason,
        note=note,
        state=RequestState.WAITING,
        asked_by=by,
        asked_at=now,
    )
    session.add(request)
    session.flush()
    return request


def find(
    session: Session,
    *,
    state: RequestState | None = None,
    room_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[SupplyRequest]:
    """Return requests, newest first."""
    statement = select(SupplyRequest).order_by(SupplyRequest.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(SupplyRequest.state == state)
    if room_id is not None:
        statement = statement.where(SupplyRequest.room_id == room_id)
    return session.scalars(statement if before is None else statement.where(SupplyRequest.id < before)).all()


def _find_waiting(session: Session, request_id: UUID, now: datetime) -> SupplyRequest:
    request = session.scalars(select(SupplyRequest).filter_by(id=request_id).with_for_update()).one_or_none()
    if request is None:
        raise NotFoundError("there is no request with this id")
    is_late = request.action is not RequestAction.APPLY and now > request.asked_at + CONFIRM_WITHIN
    if request.state is not RequestState.WAITING or is_late:
        raise SupplyRequestNotWaitingError
    return request


def _find_liftable(session: Session, room_id: UUID, reason: TripReason) -> SupplyGround:
    if not TRIP_RULES[reason].may_staff_lift:
        raise NotForStaffError(lifted_by=TRIP_RULES[reason].lifted_by)
    for ground in room_state.find_standing(session, room_id):
        if ground.reason is reason:
            return ground
    raise NoSuchCutOffError


def _carry_out(session: Session, keeper: SupplyKeeper, request: SupplyRequest, *, by: UUID, now: datetime) -> None:
    if request.action is RequestAction.TRIP:
        keeper.add_ground(session, request.room_id, request.reason, note=request.note[:200], now=now)
    else:
        ground = _find_liftable(session, request.room_id, request.reason)
        keeper.end_ground(session, ground, by=by, now=now)
        _grant_applications(session, request, by=by, now=now)
    request.state, request.decided_by, request.decided_at = RequestState.DONE, by, now
    _note(session, request, "supply.done", by, now)


def _grant_applications(session: Session, request: SupplyRequest, *, by: UUID, now: datetime) -> None:
    for other in find(session, state=RequestState.WAITING, room_id=request.room_id):
        if other.id != request.id and other.reason is request.reason and other.action is not RequestAction.TRIP:
            other.state, other.decided_by, other.decided_at = RequestState.DONE, by, now


def _note(session: Session, request: SupplyRequest, action: str, by: UUID, now: datetime) -> None:
    details: dict[str, audit.Scalar | list[str]] = {
        "action": request.action.value,
        "reason": request.reason.value,
        "room": str(request.room_id),
    }
    actor = audit.person_actor(by)
    subject = f"supply_request:{request.id}"
    audit.record(session, actor=actor, action=action, subject=subject, now=now, details=details)
