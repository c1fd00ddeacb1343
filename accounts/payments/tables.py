"""Tables of payments. What a wallet paid stands in the ledger's journal alone; here is what the journal cannot know."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from database import Base


class Merchant(Base):
    """A place that takes payments: one campus, one service. Its ledger account has the same id."""

    __tablename__ = "merchants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    campus: Mapped[str] = mapped_column(String(64))
    service: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class ServiceCampus(Base):
    """A service that is enabled on a campus."""

    __tablename__ = "service_campuses"

    service: Mapped[str] = mapped_column(String(64), primary_key=True)
    campus: Mapped[str] = mapped_column(String(64), primary_key=True)


class SpendingLimit(Base):
    """Limits that a person chose, in fen."""

    __tablename__ = "spending_limits"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    meal: Mapped[int]
    day: Mapped[int]
    changed_at: Mapped[datetime]


class Charge(Base):
    """A payment through a channel: the channel decides, and may take its time.

    By the payer's code at a terminal, or `by_scan`: the payer scanned the merchant's code. That has no device, and the
    merchant's id stands for it.
    """

    __tablename__ = "channel_charges"
    __table_args__ = (Index("ix_channel_charges_state", "state", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    channel: Mapped[str] = mapped_column(String(20))
    merchant_id: Mapped[UUID]
    device_id: Mapped[UUID]
    by_scan: Mapped[bool] = mapped_column(default=False, server_default=false())
    amount: Mapped[int] = mapped_column(BigInteger)
    refunding: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class ChargeRefund(Base):
    """A refund of a charge: reserved here, asked of the channel, then recorded in the ledger under the same id."""

    __tablename__ = "channel_charge_refunds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    charge_id: Mapped[UUID] = mapped_column(index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class OfflinePayment(Base):
    """A payment that a terminal took without the server and uploaded later, or a charge that its hold did not cover."""

    __tablename__ = "offline_payments"
    __table_args__ = (
        Index("ix_offline_payments_state", "state", "id"),
        Index("ix_offline_payments_device", "device_id", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    device_id: Mapped[UUID]
    merchant_id: Mapped[UUID]
    person_id: Mapped[UUID | None] = mapped_column(index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    flags: Mapped[str] = mapped_column(String(250))
    decided_by: Mapped[str | None] = mapped_column(String(80))
    """Who decided about one that waited."""
    hold_id: Mapped[UUID | None] = mapped_column(index=True)
    """Of a late charge: the hold that it goes beyond or comes after, or the use that had none."""
    decided_at: Mapped[datetime | None]
