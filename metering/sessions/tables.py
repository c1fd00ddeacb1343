"""Tables of showers: where they stand and what they cost, their sessions with every report, subsidies, disputes."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, new_id


class WaterPlace(Base):
    """A place with showers: what its controllers work by. `settings` are `settings.PlaceSettings`."""

    __tablename__ = "water_places"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(63), unique=True)
    title: Mapped[str] = mapped_column(String(100))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)


class WaterPriceList(Base):
    """The prices of a place from `valid_from` on. Never changed: a new price is a new list."""

    __tablename__ = "water_price_lists"
    __table_args__ = (UniqueConstraint("place_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("water_places.id"))
    valid_from: Mapped[datetime]
    prices: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    is_pause_charged: Mapped[bool]


class ShowerController(Base):
    """A controller, the place it stands at, and what its last heartbeat said."""

    __tablename__ = "shower_controllers"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("water_places.id"), index=True)
    seen_at: Mapped[datetime | None]
    boot_id: Mapped[UUID | None]
    valve: Mapped[str | None] = mapped_column(String(63))
    faults: Mapped[str] = mapped_column(String(600), default="")
    queued: Mapped[int] = mapped_column(BigInteger, default=0)
    configuration: Mapped[str | None] = mapped_column(String(64))


class WaterSession(Base):
    """A session, as its reports and the ledger have it. Fen; `cost` is the whole, `subsidy` the part a fund pays."""

    __tablename__ = "water_sessions"
    __table_args__ = (
        Index("ix_water_sessions_person", "person_id", "began_at"),
        Index("ix_water_sessions_state", "state", "expires_at"),
        Index(
            "ix_water_sessions_open",
            "device_id",
            postgresql_where=text("state IN ('authorised', 'running')"),
            sqlite_where=text("state IN ('authorised', 'running')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID]
    boot_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(BigInteger)
    place_id: Mapped[UUID | None]
    merchant_id: Mapped[UUID | None]
    campus: Mapped[str | None] = mapped_column(String(64))
    person_id: Mapped[UUID | None]
    card_id: Mapped[UUID | None]
    proved_key: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(12))
    refusal: Mapped[str | None] = mapped_column(String(40))
    hold_id: Mapped[UUID | None]
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    """Fen of the hold as it is now."""
    price_list_id: Mapped[UUID | None]
    began_at: Mapped[datetime]
    """By the controller's clock where that is sure, else when the server first heard of it."""
    heard_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    stop_reason: Mapped[str | None] = mapped_column(String(63))
    hot_ml: Mapped[int] = mapped_column(BigInteger, default=0)
    cold_ml: Mapped[int] = mapped_column(BigInteger, default=0)
    open_s: Mapped[int] = mapped_column(BigInteger, default=0)
    loss_ml: Mapped[int] = mapped_column(BigInteger, default=0)
    cost: Mapped[int] = mapped_column(BigInteger, default=0)
    subsidy: Mapped[int] = mapped_column(BigInteger, default=0)
    billed: Mapped[int] = mapped_column(BigInteger, default=0)
    """Fen taken in all: from the fund, out of the hold, and beyond or after it."""
    doubts: Mapped[str] = mapped_column(String(200), default="")
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
    decided_fen: Mapped[int | None] = mapped_column(BigInteger)


class WaterSessionReport(Base):
    """A report as it came, without the one-time code. An end is kept beside an update of the same number."""

    __tablename__ = "water_session_reports"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("water_sessions.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    step: Mapped[str] = mapped_column(String(10), primary_key=True)
    received_at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)


class WaterSubsidy(Base):
    """A monthly subsidy of hot water: `fen` a person and month out of the subsidy account `fund`."""

    __tablename__ = "water_subsidies"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    fund: Mapped[str] = mapped_column(String(63))
    fen: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10))
    """The kind of people who get it."""
    begins_on: Mapped[date]
    ends_on: Mapped[date | None]
    """The last month is the one that the day before lies in."""


class WaterSubsidyUse(Base):
    """What of a subsidy a person has used in a month; its row is the lock that keeps the sum right."""

    __tablename__ = "water_subsidy_uses"

    subsidy_id: Mapped[UUID] = mapped_column(ForeignKey("water_subsidies.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger)


class WaterDispute(Base):
    """A holder says that a session was charged wrongly; staff decide once, and what they give back is a correction."""

    __tablename__ = "water_disputes"
    __table_args__ = (Index("ix_water_disputes_state", "state", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("water_sessions.id"), unique=True)
    person_id: Mapped[UUID]
    text: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(10))
    opened_at: Mapped[datetime]
    refund: Mapped[int] = mapped_column(BigInteger, default=0)
    answer: Mapped[str | None] = mapped_column(String(500))
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
