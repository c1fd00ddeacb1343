"""Cards that dispensers are to hand out, and how the dispensers are."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base

_OPEN = text("state IN ('waiting', 'preparing', 'booked')")


class CardIssue(Base):
    """The issue of one card for a lost one. With `booked_at` and state `failed` the booking was reversed."""

    __tablename__ = "card_issues"
    __table_args__ = (
        Index(
            "uq_card_issues_dispenser_open",
            "dispenser_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        Index("ix_card_issues_person", "person_id", "asked_at"),
        Index("ix_card_issues_ended", "ended_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    kiosk_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id"))
    dispenser_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id"))
    state: Mapped[str] = mapped_column(String(12))
    asked_at: Mapped[datetime]
    booked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    loss_id: Mapped[UUID | None] = mapped_column(ForeignKey("loss_reports.id"))
    card_id: Mapped[UUID | None] = mapped_column(ForeignKey("cards.id"))
    problem: Mapped[str | None] = mapped_column(String(40))
    """Why it failed: a fault of the dispenser, or the problem that stood in the way of the booking."""


class DispenserSighting(Base):
    """How a dispenser was when its process last told."""

    __tablename__ = "dispenser_sightings"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    stacker: Mapped[str | None] = mapped_column(String(10))
    is_bin_full: Mapped[bool]
    fault: Mapped[str | None] = mapped_column(String(40))
    seen_at: Mapped[datetime]
