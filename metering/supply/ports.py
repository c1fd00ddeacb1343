"""What supply asks of the rest: a room's money, and somebody who tells its residents."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from metering.supply.decision import Credit
from metering.supply.warnings import NoticeKind

NoticeContent = Mapping[str, int | str | None]


class RoomCredits(Protocol):
    """Knows what a room has left."""

    def find(self, session: Session, room_id: UUID, now: datetime) -> Credit | None:
        """Return a room's credit at `now`, with what it used and was not charged for yet; `None`: it pays nothing."""
        ...


class NotifyResidents(Protocol):
    """Writes a notice to people about their room."""

    def __call__(
        self, session: Session, people: Collection[UUID], kind: NoticeKind, content: NoticeContent, *, now: datetime
    ) -> None:
        """Write it in the transaction of what it is about. `content`: `room`, `fen`, `at` (ISO 8601), `reason`."""
        ...


def notify_nobody(
    session: Session, people: Collection[UUID], kind: NoticeKind, content: NoticeContent, *, now: datetime
) -> None:
    """Write nothing: for what has no inbox."""
    del session, people, kind, content, now
