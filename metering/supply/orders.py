"""Orders to meters as they are stored: given, handed out once, concluded by what the relay showed, or expired."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from metering.reader_contract import OrderOutcome, OrderResult
from metering.rooms.tables import Meter, MeterLine
from metering.supply.states import UNDER_WAY, MeterOrderState
from metering.supply.tables import MeterOrder
from metering.vocabulary import MeterAction, SupplyState, TripReason
from web.problems import NotFoundError, ProblemError

_PROOFS = {
    MeterAction.TRIP: {SupplyState.OFF},
    MeterAction.ARM: {SupplyState.ARMED, SupplyState.ON},
    MeterAction.CLOSE: {SupplyState.ON},
}
"""What the relay must show before an order to it is done."""
_ENDED = {
    OrderOutcome.DONE: MeterOrderState.DONE,
    OrderOutcome.REFUSED: MeterOrderState.REFUSED,
    OrderOutcome.SILENT: MeterOrderState.SILENT,
    OrderOutcome.EXPIRED: MeterOrderState.EXPIRED,
}


class OrderOverError(ProblemError):
    """The order ended otherwise before, or was never handed out."""

    code = "meter_order_over"
    status = 409
    title = "This order to a meter has ended already"


class ResultWithoutProofError(ProblemError):
    """The order is said to be done, and the relay does not show it."""

    code = "meter_result_without_proof"
    status = 422
    title = "The meter's relay does not show what was ordered"


def give(
    session: Session,
    meter: Meter,
    action: MeterAction,
    *,
    room_id: UUID | None,
    reason: TripReason | None,
    now: datetime,
    expires_at: datetime,
) -> MeterOrder:
    """Write an order down. What waits for the same relay, and was not handed out yet, gives way to it."""
    supersede(session, meter.id, now=now)
    order = MeterOrder(
        meter_id=meter.id,
        room_id=room_id,
        action=action,
        reason=reason,
        asked_at=now,
        expires_at=expires_at,
        state=MeterOrderState.WAITING,
    )
    session.add(order)
    session.flush()
    return order


def supersede(session: Session, meter_id: UUID, *, now: datetime) -> None:
    """End the orders to a meter's relay that nobody was given yet."""
    waiting = select(MeterOrder).where(
        MeterOrder.meter_id == meter_id,
        MeterOrder.state == MeterOrderState.WAITING,
        MeterOrder.action.in_(_PROOFS),
    )
    for order in session.scalars(waiting.with_for_update()):
        order.state, order.ended_at = MeterOrderState.SUPERSEDED, now


def find_last(session: Session, meter_id: UUID) -> MeterOrder | None:
    """Return the last order to a meter's relay."""
    return session.scalars(
        select(MeterOrder)
        .where(MeterOrder.meter_id == meter_id, MeterOrder.action.in_(_PROOFS))
        .order_by(MeterOrder.id.desc())
        .limit(1)
    ).first()


def find_for_room(session: Session, room_id: UUID, *, limit: int = 10) -> Sequence[MeterOrder]:
    """Return a room's last orders, newest first."""
    statement = select(MeterOrder).where(MeterOrder.room_id == room_id).order_by(MeterOrder.id.desc()).limit(limit)
    return session.scalars(statement).all()


def let_expire(session: Session, meter_id: UUID, *, now: datetime) -> None:
    """End the orders to a meter whose time is over."""
    late = select(MeterOrder).where(
        MeterOrder.meter_id == meter_id, MeterOrder.state.in_(UNDER_WAY), MeterOrder.expires_at <= now
    )
    for order in session.scalars(late.with_for_update()):
        order.state, order.ended_at = MeterOrderState.EXPIRED, now


def has_waiting(session: Session, device_id: UUID, *, now: datetime) -> bool:
    """Return whether an order waits for the lines that this device reads."""
    return session.scalar(_waiting_for(device_id, now).with_only_columns(MeterOrder.id).limit(1)) is not None


def take(session: Session, device_id: UUID, *, now: datetime, limit: int = 200) -> Sequence[MeterOrder]:
    """Hand out the orders that wait for the lines of a device, each once; those that give power back come first."""
    statement = _waiting_for(device_id, now).limit(limit).with_for_update(of=MeterOrder, skip_locked=True)
    taken = session.scalars(statement).all()
    for order in taken:
        order.state, order.taken_at = MeterOrderState.TAKEN, now
    return sorted(taken, key=lambda order: (order.action is MeterAction.TRIP, order.id))


def conclude(
    session: Session, order_id: UUID, result: OrderResult, *, device_id: UUID, now: datetime
) -> tuple[MeterOrder, bool]:
    """Write down what became of an order, and whether that was news; saying it again changes nothing.

    An order that was given up as expired may still turn out to be done: a relay that moved has moved.

    Raises:
        NotFoundError: there is no such order to a meter of this device's lines.
        OrderOverError: it ended otherwise before.
        ResultWithoutProofError: it is said to be done, and the relay does not show it.
    """
    found = session.execute(
        select(MeterOrder, Meter)
        .join(Meter, Meter.id == MeterOrder.meter_id)
        .join(MeterLine, MeterLine.id == Meter.line_id)
        .where(MeterOrder.id == order_id, MeterLine.device_id == device_id)
        .with_for_update(of=MeterOrder)
    ).first()
    if found is None:
        raise NotFoundError("there is no order with this id for your lines")
    order, meter = found
    if result.outcome is OrderOutcome.DONE and result.supply not in _PROOFS.get(order.action, set(SupplyState)):
        raise ResultWithoutProofError
    state = _ENDED.get(result.outcome, MeterOrderState.SENT)
    # A reader whose clock is ahead must not make what the meter shows afterwards look older.
    result = result.model_copy(update={"at": min(result.at, now)})
    if order.state is state:
        return order, False
    is_late_truth = order.state is MeterOrderState.EXPIRED and state is MeterOrderState.DONE
    if order.state not in (MeterOrderState.TAKEN, MeterOrderState.SENT) and not is_late_truth:
        raise OrderOverError
    _write(order, result, state, now)
    if result.supply is not SupplyState.UNKNOWN and (meter.status_at is None or meter.status_at <= result.at):
        meter.supply, meter.status_word, meter.status_at = result.supply, result.status_word, result.at
    return order, True


def _write(order: MeterOrder, result: OrderResult, state: MeterOrderState, now: datetime) -> None:
    order.state, order.supply, order.status_word = state, result.supply, result.status_word
    order.error, order.digits = result.error, result.digits
    if state in (MeterOrderState.SENT, MeterOrderState.DONE) and order.sent_at is None:
        order.sent_at = result.at
    if state is not MeterOrderState.SENT:
        order.ended_at = result.at if state is MeterOrderState.DONE else now


def _waiting_for(device_id: UUID, now: datetime) -> Select[MeterOrder]:
    return (
        select(MeterOrder)
        .join(Meter, Meter.id == MeterOrder.meter_id)
        .join(MeterLine, MeterLine.id == Meter.line_id)
        .where(
            MeterLine.device_id == device_id,
            MeterOrder.state == MeterOrderState.WAITING,
            MeterOrder.expires_at > now,
        )
        .order_by(MeterOrder.id)
    )
