"""The table of sessions in computer rooms and on the internet."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base


class NetworkSession(Base):
    """A session, as the device that has it reports it. Its id follows from device, session number and login.

    Seconds and fen; of `session_s` the first `free_s` cost nothing, `cost` is of the rest, and `billed` was taken.
    """

    __tablename__ = "network_sessions"
    __table_args__ = (
        Index("ix_network_sessions_person", "person_id", "began_at"),
        Index("ix_network_sessions_began", "began_at", "id"),
        Index("ix_network_sessions_hold", "hold_id"),
        Index(
            "ix_network_sessions_running",
            "heard_at",
            postgresql_where=text("state = 'running'"),
            sqlite_where=text("state = 'running'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(String(20))
    device_id: Mapped[UUID]
    """The RADIUS server that reported it."""
    merchant_id: Mapped[UUID | None]
    campus: Mapped[str | None] = mapped_column(String(64))
    person_id: Mapped[UUID]
    nas: Mapped[str] = mapped_column(String(253))
    """The switch, access point or gateway that has it: its NAS-Identifier, or else its address."""
    nas_address: Mapped[str | None] = mapped_column(String(45))
    port: Mapped[str | None] = mapped_column(String(253))
    station: Mapped[str | None] = mapped_column(String(253))
    """The computer, by the address that the device gives (Calling-Station-Id)."""
    number: Mapped[str] = mapped_column(String(253))
    """Of the session, as the device counts (Acct-Session-Id)."""
    user_name: Mapped[str] = mapped_column(String(253))
    """As the device has it: what a Disconnect-Request must name."""
    state: Mapped[str] = mapped_column(String(12))
    began_at: Mapped[datetime]
    heard_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))
    session_s: Mapped[int] = mapped_column(BigInteger, default=0)
    free_s: Mapped[int] = mapped_column(BigInteger, default=0)
    quota_s: Mapped[int | None] = mapped_column(BigInteger)
    fen_per_hour: Mapped[int] = mapped_column(Integer, default=0)
    cost: Mapped[int] = mapped_column(BigInteger, default=0)
    billed: Mapped[int] = mapped_column(BigInteger, default=0)
    billed_before: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of `billed`, what was taken out of earlier holds than `hold_id`."""
    hold_id: Mapped[UUID | None]
    holds: Mapped[int] = mapped_column(Integer, default=0)
    """How many there were, the present one included."""
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    covered_until: Mapped[datetime]
    """Until when free minutes, what is held and the longest session let it go on."""
    disconnect_reason: Mapped[str | None] = mapped_column(String(20))
    disconnect_tried_at: Mapped[datetime | None]
    disconnect_outcome: Mapped[str | None] = mapped_column(String(20))
