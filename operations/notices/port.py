"""What every channel does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


class NoticeNotSentError(Exception):
    """The channel could not deliver; the message says why. It is tried again later."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of an alarm. No person is named: a notice leaves the house."""

    alarm_id: UUID
    gate: str
    kind: str
    severity: str
    reason: str | None
    raised_at: datetime
    count: int
    escalated: bool
    """Nobody has acknowledged it for too long."""

    @property
    def headline(self) -> str:
        """The notice in one line of plain ASCII."""
        place = "everywhere" if self.gate == "-" else f"gate {self.gate}"
        what = self.kind.replace("_", " ") + (f" ({self.reason.replace('_', ' ')})" if self.reason else "")
        return f"{self.severity.upper()}: {what}, {place}" + (" - not acknowledged" if self.escalated else "")


class Notifier(Protocol):
    """A channel."""

    @property
    def channel(self) -> str:
        """Its name in the records."""

    def send(self, notice: Notice) -> None:
        """Deliver `notice`, at least once; the alarm's id tells copies apart.

        Raises:
            NoticeNotSentError: it was not delivered, or nobody knows.
        """
