"""Tables of imports: which list was imported when, and what each row changed, so that it can be taken back."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, new_id


class ImportState(StrEnum):
    """Where an import stands. A `stopped` one was cut off: what it wrote counts, and the list may be sent again."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    UNDOING = "undoing"
    UNDONE = "undone"


class RowUndo(StrEnum):
    """What became of a row when its import was taken back; but for the first two the row stays as it is."""

    RESTORED = "restored"
    REMOVED = "removed"
    CHANGED_SINCE = "changed_since"
    IN_USE = "in_use"
    CLOSED = "closed"
    OWN_ACCOUNT = "own_account"


class PeopleImport(Base):
    """One import of a list."""

    __tablename__ = "people_imports"
    __table_args__ = (Index("ix_people_imports_started_at", "started_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(80))
    file_name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10))
    total: Mapped[int]
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    invalid: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(80))

    @property
    def done(self) -> int:
        """How many rows were dealt with."""
        return self.created + self.updated + self.unchanged + self.invalid


class PeopleImportRow(Base):
    """What became of one row. Deleted some days later: it says what people were called."""

    __tablename__ = "people_import_rows"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("people_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(32))
    why: Mapped[str] = mapped_column(String(300))
    person_id: Mapped[UUID | None]
    """Without a foreign key: taking an import back removes people again."""
    first_passwords: Mapped[bool]
    differences: Mapped[dict[str, Any]] = mapped_column(JSON)
    """`{field: [stored, wanted]}`."""
    changes_until: Mapped[int] = mapped_column(BigInteger)
    """The newest of the person's changes that the import itself made: a later one is somebody else's."""
    undo: Mapped[str | None] = mapped_column(String(16))
