"""Payments of library fines; the money stands in the ledger's journal, held under the payment's id."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base


class LibraryFinePayment(Base):
    """A payment: `pending`, then `paid`, `refused` by the library, or `unsent` (the library was not reached)."""

    __tablename__ = "library_fine_payments"
    __table_args__ = (
        Index(
            "uq_library_fine_payments_pending",
            "person_id",
            unique=True,
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
        Index("ix_library_fine_payments_person", "person_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    fen: Mapped[int] = mapped_column(BigInteger)
    item: Mapped[str | None] = mapped_column(String(60))
    """The library's own name of the fine, which is sent again with the same payment."""
    through: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    """When the library was last asked about it."""
    ended_at: Mapped[datetime | None]
