"""Tables of a room's money. Balances stand in the ledger under the room's id; here is what explains them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, new_id


class ElectricityPlan(Base):
    """A price plan of one building, or of every building that has none. It is never changed.

    One whose first day has not begun may be withdrawn.
    """

    __tablename__ = "electricity_plans"
    __table_args__ = (
        Index(
            "uq_electricity_plans_start",
            "building_id",
            "starts_on",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
            sqlite_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("buildings.id"))
    name: Mapped[str] = mapped_column(String(100))
    starts_on: Mapped[date] = mapped_column(Date)
    rules: Mapped[str] = mapped_column(Text)
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class RoomBilling(Base):
    """How far a room is billed: every campus day from `begins_on` until before `billed_until`.

    `inputs` is a digest of what the charges followed from; where it differs they are worked out anew.
    """

    __tablename__ = "room_billing"

    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    begins_on: Mapped[date] = mapped_column(Date)
    billed_until: Mapped[date] = mapped_column(Date, index=True)
    inputs: Mapped[str] = mapped_column(String(64))


class RoomCharge(Base):
    """What one campus day of a room came to, with the readings it quotes; its ledger line has its id.

    A charge is never edited. One that turned out wrong is withdrawn by a line that takes all of it back, and another
    `revision` of the day follows. A vacant day (`is_vacant`) is charged to nobody.
    """

    __tablename__ = "room_charges"
    __table_args__ = (
        Index("uq_room_charges_day", "room_id", "day", "revision", unique=True),
        Index(
            "uq_room_charges_standing",
            "room_id",
            "day",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
            sqlite_where=text("withdrawn_at IS NULL"),
        ),
        Index("ix_room_charges_day", "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    day: Mapped[date] = mapped_column(Date)
    revision: Mapped[int] = mapped_column(Integer)
    wh: Mapped[int] = mapped_column(BigInteger)
    fen: Mapped[int] = mapped_column(BigInteger)
    is_vacant: Mapped[bool] = mapped_column(Boolean)
    is_estimated: Mapped[bool] = mapped_column(Boolean)
    quotes: Mapped[str] = mapped_column(Text)
    lines: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    """What the day leaves to the next, for the charges after it."""
    charged_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class RoomTopUp(Base):
    """Money from a wallet to a room; its ledger line has its id. `by_rule` is the agreement it follows from, if any."""

    __tablename__ = "room_top_ups"
    __table_args__ = (
        Index("ix_room_top_ups_room", "room_id", "id"),
        Index("ix_room_top_ups_person", "person_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    fen: Mapped[int] = mapped_column(BigInteger)
    by_rule: Mapped[UUID | None]
    paid_at: Mapped[datetime]


class AutomaticTopUp(Base):
    """What a resident agreed to, in these figures, until they revoke it or move out; to change it is to agree anew."""

    __tablename__ = "automatic_top_ups"
    __table_args__ = (
        Index(
            "uq_automatic_top_ups_standing",
            "room_id",
            "person_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    below_fen: Mapped[int] = mapped_column(BigInteger)
    fen: Mapped[int] = mapped_column(BigInteger)
    month_limit_fen: Mapped[int] = mapped_column(BigInteger)
    agreed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_for: Mapped[str | None] = mapped_column(String(20))
    failed_on: Mapped[date | None] = mapped_column(Date)
    """The last day on which their wallet could not pay; they are told once a day."""


class ChargeDispute(Base):
    """A resident doubts a charge: `open` until staff answered, then `upheld` (it was wrong) or `declined`."""

    __tablename__ = "room_charge_disputes"
    __table_args__ = (
        Index("ix_room_charge_disputes_state", "state", "id"),
        Index("uq_room_charge_disputes", "charge_id", "person_id", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("room_charges.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    text: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(10))
    raised_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(500))
