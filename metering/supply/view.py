"""A room's supply as its residents and staff see it: why it is dark, what helps, and how far that has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from metering.rooms.tables import Meter
from metering.supply import orders, room_state
from metering.supply.decision import Credit, find_needed_fen
from metering.supply.review import SupplyKeeper
from metering.supply.states import UNDER_WAY, MeterOrderState
from metering.supply.tables import MeterOrder, RoomNotice, RoomSupply, SupplyGround
from metering.vocabulary import MeterAction, SupplyState, TripReason


class Advice(StrEnum):
    """What residents can do now."""

    NOTHING = "nothing"
    PAY = "pay"
    WAIT = "wait"
    APPLY = "apply"
    ASK_STAFF = "ask_staff"
    PRESS_BUTTON = "press_button"


@dataclass(frozen=True, slots=True)
class RoomView:
    """Everything of one room's supply. `armed_at`: when its relay showed after the last money that it may be closed."""

    supply: SupplyState
    advice: Advice
    meters: Sequence[Meter]
    grounds: Sequence[SupplyGround]
    credit: Credit | None
    needed_fen: int
    put_off_until: datetime | None
    paid_at: datetime | None
    ordered_at: datetime | None
    armed_at: datetime | None
    orders: Sequence[MeterOrder]
    notices: Sequence[RoomNotice]


def look(session: Session, keeper: SupplyKeeper, room_id: UUID, *, now: datetime) -> RoomView:
    """Return a room's supply as it stands."""
    state = session.get(RoomSupply, room_id)
    meters = room_state.find_relays(session, room_id, now)
    grounds = room_state.find_standing(session, room_id)
    given = orders.find_for_room(session, room_id)
    credit = keeper.credits.find(session, room_id, now)
    supply = _worst([meter.supply for meter in meters])
    paid_at = None if state is None else state.paid_at
    arming = _arming(given, paid_at)
    notices = session.scalars(
        select(RoomNotice).where(RoomNotice.room_id == room_id).order_by(RoomNotice.id.desc()).limit(10)
    ).all()
    is_owing = credit is not None and any(ground.reason is TripReason.NO_CREDIT for ground in grounds)
    return RoomView(
        supply=supply,
        advice=_advise(supply, grounds, is_under_way=any(order.state in UNDER_WAY for order in given)),
        meters=meters,
        grounds=grounds,
        credit=credit,
        needed_fen=find_needed_fen(credit) if is_owing and credit is not None else 0,
        put_off_until=None if state is None else state.put_off_until,
        paid_at=paid_at,
        ordered_at=None if arming is None else arming.asked_at,
        armed_at=None if arming is None or arming.state is not MeterOrderState.DONE else arming.ended_at,
        orders=given,
        notices=notices,
    )


def _worst(supplies: Sequence[SupplyState]) -> SupplyState:
    for one in (SupplyState.OFF, SupplyState.ARMED, SupplyState.UNKNOWN):
        if one in supplies:
            return one
    return SupplyState.ON if supplies else SupplyState.UNKNOWN


def _arming(given: Sequence[MeterOrder], paid_at: datetime | None) -> MeterOrder | None:
    after_money = (
        order
        for order in given
        if order.action is MeterAction.ARM and paid_at is not None and order.asked_at >= paid_at
    )
    return next(after_money, None)


def _advise(supply: SupplyState, grounds: Sequence[SupplyGround], *, is_under_way: bool) -> Advice:
    reasons = {ground.reason: ground for ground in grounds}
    if TripReason.NO_CREDIT in reasons:
        return Advice.PAY
    waits = {TripReason.OVERLOAD, TripReason.MALICIOUS_LOAD} & set(reasons)
    if any(reasons[reason].until is None for reason in waits):
        return Advice.APPLY
    if waits or TripReason.CURFEW in reasons:
        return Advice.WAIT
    if reasons:
        return Advice.ASK_STAFF
    if supply is SupplyState.ARMED:
        return Advice.PRESS_BUTTON
    return Advice.WAIT if is_under_way and supply is SupplyState.OFF else Advice.NOTHING
