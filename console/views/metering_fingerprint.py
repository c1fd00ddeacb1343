"""A mark of everything that waits in metering: while it is equal, a page that shows it need not be drawn again."""

import hashlib
from uuid import UUID

from sqlalchemy import Executable, func, select
from sqlalchemy.orm import Session

from metering.billing.disputes import DisputeState
from metering.billing.tables import ChargeDispute, RoomCharge
from metering.readings.tables import ReadingReview
from metering.readings.values import ReviewState
from metering.rooms.tables import Meter, MeterLine, MeterPeriod, Residence
from metering.sessions.disputes import WaterDisputeState
from metering.sessions.tables import WaterDispute, WaterSession
from metering.supply.states import RequestState
from metering.supply.tables import MeterOrder, RoomSupply, SupplyGround, SupplyRequest
from metering.vocabulary import SessionState


def fingerprint_overview(session: Session, unread: int) -> str:
    """Return the mark of the overview; `unread` is how many lines nobody reads now, which time alone changes."""
    return _digest(
        session,
        unread,
        select(func.count(), func.max(MeterLine.since)).where(MeterLine.is_up.is_(False)),
        select(func.count(), func.max(Meter.silent_since)).where(Meter.silent_since.is_not(None)),
        select(func.count(), func.max(SupplyGround.began_at)).where(SupplyGround.ended_at.is_(None)),
        select(func.sum(RoomSupply.warning_level), func.count(RoomSupply.put_off_until)),
        select(func.count(), func.max(SupplyRequest.asked_at)).where(SupplyRequest.state == RequestState.WAITING),
        select(func.count(), func.sum(ReadingReview.readings)).where(ReadingReview.state == ReviewState.WAITING),
        select(func.count(), func.max(WaterSession.heard_at)).where(WaterSession.state == SessionState.IN_REVIEW),
        select(func.count(), func.max(WaterDispute.opened_at)).where(WaterDispute.state == WaterDisputeState.OPEN),
        select(func.count(), func.max(ChargeDispute.raised_at)).where(ChargeDispute.state == DisputeState.OPEN),
    )


def fingerprint_room(session: Session, room_id: UUID) -> str:
    """Return the mark of one room's page."""
    counting = select(MeterPeriod.meter_id).where(MeterPeriod.room_id == room_id, MeterPeriod.ends_at.is_(None))
    grounds, orders = SupplyGround.room_id == room_id, MeterOrder.room_id == room_id
    return _digest(
        session,
        0,
        select(func.count(), func.max(SupplyGround.began_at), func.max(SupplyGround.ended_at)).where(grounds),
        select(func.count(), func.max(MeterOrder.sent_at), func.max(MeterOrder.ended_at)).where(orders),
        select(SupplyRequest.id, SupplyRequest.state).where(SupplyRequest.room_id == room_id),
        select(Meter.supply, Meter.silent_since).where(Meter.id.in_(counting)).order_by(Meter.number),
        select(func.count(), func.max(MeterPeriod.begins_at)).where(MeterPeriod.room_id == room_id),
        select(func.count(), func.count(Residence.moved_out)).where(Residence.room_id == room_id),
        select(func.count(), func.max(RoomCharge.charged_at)).where(RoomCharge.room_id == room_id),
    )


def _digest(session: Session, beside: int, *questions: Executable) -> str:
    found = [beside, *(tuple(row) for question in questions for row in session.execute(question))]
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]
