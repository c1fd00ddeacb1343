"""Tables of top-up. What was credited stands in the ledger's journal, under the order's id."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from database import Base


class TopUpOrder(Base):
    """An order at a channel: `pending`, then `credited`, `closed`, or `stranded` (paid, and the wallet is shut).

    A stranded one is credited once the wallet is open, or goes back through its channel: `returning`, then `returned`.
    """

    __tablename__ = "top_up_orders"
    __table_args__ = (Index("ix_top_up_orders_state", "state", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    person_id: Mapped[UUID] = mapped_column(index=True)
    channel: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int] = mapped_column(BigInteger)
    refunding: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None] = mapped_column(index=True)


class TopUpRefund(Base):
    """A top-up given back: held in the wallet, asked of the channel, then posted or voided."""

    __tablename__ = "top_up_refunds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    order_id: Mapped[UUID] = mapped_column(index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None] = mapped_column(index=True)


class ChannelDay(Base):
    """A day of a channel that was compared with its bill, as it was found last."""

    __tablename__ = "channel_days"

    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    differences: Mapped[int]
    waiting: Mapped[int]
    """Those of them that the bill of the next day may explain."""
    reconciled_at: Mapped[datetime]


class AcceptedDifference(Base):
    """A difference of a channel's day that somebody accepted: what both sides said of `about`, and the reason."""

    __tablename__ = "accepted_differences"
    __table_args__ = (Index("ix_accepted_differences_day", "channel", "day"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))
    day: Mapped[date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(String(20))
    about: Mapped[UUID]
    ours: Mapped[int | None] = mapped_column(BigInteger)
    theirs: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(String(200))
    accepted_by: Mapped[str] = mapped_column(String(80))
    accepted_at: Mapped[datetime]


class SeenNonce(Base):
    """A notification's nonce, kept until the notification would be too old anyway."""

    __tablename__ = "channel_nonces"

    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[datetime] = mapped_column(index=True)


class CashRequest(Base):
    """Cash above the ceiling: `waiting` until a second person has decided, then `done` or `declined`."""

    __tablename__ = "cash_requests"
    __table_args__ = (Index("ix_cash_requests_state", "state", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    box: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]


class CashCount(Base):
    """What was counted in a cash box for a day of the campus's calendar, beside what the journal expected. In fen."""

    __tablename__ = "cash_counts"
    __table_args__ = (Index("ix_cash_counts_day", "day", "box"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    box: Mapped[str] = mapped_column(String(80))
    day: Mapped[date] = mapped_column(Date)
    opening: Mapped[int] = mapped_column(BigInteger)
    counted: Mapped[int] = mapped_column(BigInteger)
    expected: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(String(200))
    counted_at: Mapped[datetime]
