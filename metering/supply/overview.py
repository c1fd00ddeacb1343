"""All rooms at a glance, for staff: which are cut off and why, which will be, and what waits for a second person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from metering.supply.requests import CONFIRM_WITHIN
from metering.supply.states import RequestAction, RequestState
from metering.supply.tables import RoomSupply, SupplyGround, SupplyRequest
from metering.vocabulary import TripReason

ORDINARY = frozenset({TripReason.CURFEW, TripReason.VACANT})
"""Cut-offs that are as the campus wants them, by the hundred at night and in the holidays: counted, not listed."""


@dataclass(frozen=True, slots=True)
class CutOffs:
    """The grounds that stand: those that somebody may have to see to, oldest first, and how many of the others."""

    grounds: Sequence[SupplyGround]
    ordinary: Mapping[TripReason, int]


def find_cut_offs(session: Session, *, limit: int = 100) -> CutOffs:
    """Return the rooms that have no supply, and why."""
    standing = select(SupplyGround).where(SupplyGround.ended_at.is_(None))
    grounds = session.scalars(
        standing.where(SupplyGround.reason.not_in(ORDINARY)).order_by(SupplyGround.began_at).limit(limit)
    ).all()
    counted = session.execute(
        select(SupplyGround.reason, func.count())
        .where(SupplyGround.ended_at.is_(None), SupplyGround.reason.in_(ORDINARY))
        .group_by(SupplyGround.reason)
    )
    return CutOffs(grounds, {row[0]: row[1] for row in counted})


def find_near_cut_off(session: Session, *, limit: int = 100) -> Sequence[RoomSupply]:
    """Return the rooms whose residents were warned and that are not cut off for it, the nearest to it first."""
    owing = select(SupplyGround.room_id).where(
        SupplyGround.ended_at.is_(None), SupplyGround.reason == TripReason.NO_CREDIT
    )
    warned = select(RoomSupply).where(
        or_(RoomSupply.warning_level != 0, RoomSupply.put_off_until.is_not(None)), RoomSupply.room_id.not_in(owing)
    )
    # Below zero first, then the last warning before it.
    order = (RoomSupply.warning_level > 0, RoomSupply.warning_level.desc(), RoomSupply.room_id)
    return session.scalars(warned.order_by(*order).limit(limit)).all()


def find_waiting_requests(session: Session, now: datetime, *, limit: int = 100) -> Sequence[SupplyRequest]:
    """Return what staff asked for and nobody has confirmed in time yet, and what residents applied for."""
    query = select(SupplyRequest).where(
        SupplyRequest.state == RequestState.WAITING,
        or_(SupplyRequest.action == RequestAction.APPLY, SupplyRequest.asked_at >= now - CONFIRM_WITHIN),
    )
    return session.scalars(query.order_by(SupplyRequest.id).limit(limit)).all()
