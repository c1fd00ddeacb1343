"""Tables of supply: a room's state and grounds, staff's requests, orders to meters, notices, the weather."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, new_id
from metering.readings.columns import word
from metering.supply.states import MeterOrderState, RequestAction, RequestState
from metering.supply.warnings import NoticeKind
from metering.vocabulary import MeterAction, SupplyState, TripReason

_STANDING = text("ended_at IS NULL")


class RoomSupply(Base):
    """A room's supply as the server wants it, locked while it is reviewed."""

    __tablename__ = "room_supplies"

    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    load_limit_w: Mapped[int | None] = mapped_column(Integer)
    """Other than the campus's; larger on application."""
    is_curfew_exempt: Mapped[bool] = mapped_column(default=False)
    restored_by: Mapped[MeterAction | None] = mapped_column(word(MeterAction, 12))
    """How the cut-offs end that stand no more, until the relay is closed."""
    warning_level: Mapped[int] = mapped_column(SmallInteger, default=0)
    put_off_until: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    """When the money came that ended the last cut-off for it."""
    review_at: Mapped[datetime | None] = mapped_column(index=True)
    """When time alone may change something."""


class SupplyGround(Base):
    """A reason for which a room is, or was, to have no supply; at most one of a kind stands."""

    __tablename__ = "supply_grounds"
    __table_args__ = (
        Index(
            "uq_supply_grounds_standing",
            "room_id",
            "reason",
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
        Index("ix_supply_grounds_room", "room_id", "began_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    reason: Mapped[TripReason] = mapped_column(word(TripReason, 16))
    began_at: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(200), default="")
    lifted_by: Mapped[UUID | None]
    """The person of the staff who ended it, where one did."""


class SupplyRequest(Base):
    """What staff asked for a room's supply, or a resident in writing; staff's waits for a second person."""

    __tablename__ = "supply_requests"
    __table_args__ = (Index("ix_supply_requests_state", "state", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"), index=True)
    action: Mapped[RequestAction] = mapped_column(word(RequestAction, 12))
    reason: Mapped[TripReason] = mapped_column(word(TripReason, 16))
    note: Mapped[str] = mapped_column(String(500))
    state: Mapped[RequestState] = mapped_column(word(RequestState, 10))
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]


class MeterOrder(Base):
    """An order to one meter. It has an id, is handed out once, and dies."""

    __tablename__ = "meter_orders"
    __table_args__ = (Index("ix_meter_orders_state", "state", "meter_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    meter_id: Mapped[UUID] = mapped_column(ForeignKey("meters.id"), index=True)
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("rooms.id"), index=True)
    action: Mapped[MeterAction] = mapped_column(word(MeterAction, 12))
    reason: Mapped[TripReason | None] = mapped_column(word(TripReason, 16))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[MeterOrderState] = mapped_column(word(MeterOrderState, 12))
    taken_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    """When the meter acknowledged it."""
    ended_at: Mapped[datetime | None]
    supply: Mapped[SupplyState | None] = mapped_column(word(SupplyState, 10))
    status_word: Mapped[int | None] = mapped_column(BigInteger)
    digits: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str | None] = mapped_column(String(100))


class RoomNotice(Base):
    """What a room's residents were told of its supply; `content`: numbers and times, which the rim puts into words."""

    __tablename__ = "room_notices"
    __table_args__ = (Index("ix_room_notices_room", "room_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    at: Mapped[datetime]
    kind: Mapped[NoticeKind] = mapped_column(word(NoticeKind, 20))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class OutdoorTemperature(Base):
    """The lowest temperature (°C) expected outside until then; the newest row counts."""

    __tablename__ = "outdoor_temperatures"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    temperature_c: Mapped[int] = mapped_column(SmallInteger)
    valid_until: Mapped[datetime]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime]
