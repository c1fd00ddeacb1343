"""Tables of what gates know of people: a list for all gates that cut people alike, and what is one gate's own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from access.snapshot import View
from database import Base, new_id

NO_TOTAL = bytes(32)


class SharedList(Base):
    """The people whom gates of one cut (`directory.records.Cut`) let pass; every gate has one, most share it."""

    __tablename__ = "shared_lists"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    cut: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    floor: Mapped[int] = mapped_column(BigInteger, default=0)
    """Removals up to this revision are forgotten."""
    full_total: Mapped[bytes] = mapped_column(LargeBinary(32), default=NO_TOTAL)
    cards_total: Mapped[bytes] = mapped_column(LargeBinary(32), default=NO_TOTAL)
    published_at: Mapped[datetime | None]

    def total(self, view: View) -> int:
        """Return the sum of the digests of its entries, as a view has them."""
        return int.from_bytes(self.full_total if view == "full" else self.cards_total, "big")


class _Entry:
    """The last change of one person. `is_removed` rows are tombstones and carry no digests."""

    person_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]
    is_removed: Mapped[bool]
    is_revoked: Mapped[bool]
    full_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    cards_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    model_id: Mapped[str | None] = mapped_column(String(255))
    """The model of the templates in the entry, None without any."""


class SharedEntry(_Entry, Base):
    """The last change of one person in a list."""

    __tablename__ = "shared_entries"
    __table_args__ = (
        Index("ix_shared_entries_revision", "list_id", "revision", unique=True),
        Index("ix_shared_entries_revoked", "list_id", "is_revoked", "revision"),
    )

    list_id: Mapped[UUID] = mapped_column(
        ForeignKey("shared_lists.id", ondelete="CASCADE"), primary_key=True, sort_order=-1
    )


class GateEntry(_Entry, Base):
    """What one gate knows of one person instead of what its list says: whoever has a pass there.

    A person's last change at this gate also stands here where the list has none to show: a pass that ended, or
    whatever became another when the gate came to its list. Such a row says what the list says, until that changes.
    """

    __tablename__ = "gate_entries"
    __table_args__ = (
        Index("ix_gate_entries_revision", "gate", "revision", unique=True),
        Index("ix_gate_entries_revoked", "gate", "is_revoked", "revision"),
    )

    gate: Mapped[str] = mapped_column(ForeignKey("gates.name", ondelete="CASCADE"), primary_key=True, sort_order=-1)


class SharedModel(Base):
    """How many people of a list are matched by a face model, kept in step with its entries."""

    __tablename__ = "shared_models"

    list_id: Mapped[UUID] = mapped_column(ForeignKey("shared_lists.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    people: Mapped[int]
    changed_at: Mapped[datetime]


class PastList(Base):
    """What a list added up to before it changed, for devices that are about to acknowledge it."""

    __tablename__ = "past_lists"

    list_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    full_total: Mapped[bytes] = mapped_column(LargeBinary(32))
    cards_total: Mapped[bytes] = mapped_column(LargeBinary(32))
    replaced_at: Mapped[datetime] = mapped_column(index=True)


class PastGate(Base):
    """What was a gate's own before it changed: policy, list, and what its entries added to the list's sum."""

    __tablename__ = "past_gates"

    gate: Mapped[str] = mapped_column(ForeignKey("gates.name", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    list_id: Mapped[UUID | None]
    published: Mapped[str] = mapped_column(Text)
    own_full: Mapped[bytes] = mapped_column(LargeBinary(32))
    own_cards: Mapped[bytes] = mapped_column(LargeBinary(32))
    replaced_at: Mapped[datetime] = mapped_column(index=True)
