"""Tables of the HTTP layer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base


class AnsweredRequest(Base):
    """The answer that was given to a request with an idempotency key."""

    __tablename__ = "answered_requests"

    scope: Mapped[str] = mapped_column(String(60), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    answer: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(index=True)


class SharedTicket(Base):
    """A ticket (`web.tickets`) that any server of the campus takes; times are the database's."""

    __tablename__ = "tickets"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    person_id: Mapped[UUID]
    action: Mapped[str] = mapped_column(String(40))
    issued_at: Mapped[datetime] = mapped_column(index=True)
    request: Mapped[str | None] = mapped_column(String(255))
    """What it was used for."""
    is_void: Mapped[bool] = mapped_column(default=False)


class ShownSecret(Base):
    """What a form made a moment ago, sealed under the form's own key, which stands nowhere here."""

    __tablename__ = "shown_secrets"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    sealed: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(index=True)
