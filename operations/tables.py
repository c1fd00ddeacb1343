"""Tables of what the gates reported, what staff asked of them, and what somebody must look at."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, new_id


class GateEvent(Base):
    """One event of a gate, stored once however often it arrives. Rows are never changed."""

    __tablename__ = "gate_events"
    __table_args__ = (Index("ix_gate_events_gate_at", "gate", "at"), Index("ix_gate_events_at", "at"))

    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    """Order of arrival here: the cursor of everybody who follows."""
    id: Mapped[UUID] = mapped_column(unique=True)
    gate: Mapped[str] = mapped_column(String(63))
    at: Mapped[datetime]
    """The gate's own time."""
    received_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(63))
    source: Mapped[str] = mapped_column(String(63))
    person_id: Mapped[UUID | None] = mapped_column(index=True)
    method: Mapped[str | None] = mapped_column(String(16))
    granted: Mapped[bool | None]
    reason: Mapped[str | None] = mapped_column(String(63))
    latency_ms: Mapped[float | None]
    historical: Mapped[bool]
    command_id: Mapped[UUID | None]
    tap_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


class StaffOrder(Base):
    """What staff asked of one gate or many, who asked, who confirmed, and what it did."""

    __tablename__ = "staff_orders"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    action: Mapped[str] = mapped_column(String(16))
    gates: Mapped[list[str]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(16), index=True)
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None]
    carried_out_at: Mapped[datetime | None]
    results: Mapped[list[dict[str, str | None]]] = mapped_column(JSON, default=list)


_OPEN = text("closed_at IS NULL")


class Alarm(Base):
    """Something at a gate that somebody must look at; see `operations.alarms.rules`."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index("ix_alarms_one_open", "gate", "kind", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    gate: Mapped[str] = mapped_column(String(63))
    kind: Mapped[str] = mapped_column(String(32))
    severity: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(63))
    event_id: Mapped[UUID | None]
    """The last event that raised it; None when it was seen here."""
    opened_at: Mapped[datetime]
    """The server's time; escalation counts from here, however late the news was."""
    raised_at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int]
    restored_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(String(200), default="")
    escalated_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class AlarmPicture(Base):
    """What a gate's camera saw at an event that raised an alarm; see `operations.alarms.pictures`."""

    __tablename__ = "alarm_pictures"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarms.id", ondelete="CASCADE"), index=True)
    taken_at: Mapped[datetime]
    """The gate's own time."""
    received_at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class AlarmNotice(Base):
    """An alarm told through one channel, or the last try to."""

    __tablename__ = "alarm_notices"

    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarms.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    attempts: Mapped[int]
    next_try_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(200))


class IssuedNonces(Base):
    """The largest nonce that any server may have issued in a name; see `operations.order_nonces`."""

    __tablename__ = "issued_nonces"

    sender: Mapped[str] = mapped_column(String(63), primary_key=True)
    largest: Mapped[int] = mapped_column(BigInteger)


class ServerClockRecord(Base):
    """One row: when the server's clock was last believed, and when somebody last vouched for it."""

    __tablename__ = "server_clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    believed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class SitePlan(Base):
    """A plan of the campus; see `operations.site_plans`."""

    __tablename__ = "site_plans"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(100))
    media_type: Mapped[str] = mapped_column(String(32))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """The picture, made safe."""
    width: Mapped[int]
    height: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime]


class GatePlace(Base):
    """Where a gate stands on a plan: across and down, each from 0 to 1."""

    __tablename__ = "gate_places"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("site_plans.id", ondelete="CASCADE"), primary_key=True)
    gate: Mapped[str] = mapped_column(ForeignKey("gates.name", ondelete="CASCADE"), primary_key=True)
    x: Mapped[float]
    y: Mapped[float]


class GateHour(Base):
    """What happened at a gate within an hour, counted as it arrives: how many were let in or refused, and why.

    `reason` is that of a refusal, empty for who was let in. See `operations.hours`.
    """

    __tablename__ = "gate_hours"

    gate: Mapped[str] = mapped_column(String(63), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    """Its beginning."""
    outcome: Mapped[str] = mapped_column(String(8), primary_key=True)
    reason: Mapped[str] = mapped_column(String(63), primary_key=True)
    number: Mapped[int]


class ZoneSample(Base):
    """How many people were inside a zone at a moment; taken again and again by the server."""

    __tablename__ = "zone_samples"

    zone: Mapped[str] = mapped_column(ForeignKey("zones.name", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    inside: Mapped[int]
