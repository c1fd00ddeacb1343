"""What every channel does."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


class ChannelDownError(Exception):
    """Nothing gets through just now; the letter, and all others, are tried again later."""


class LetterRefusedError(Exception):
    """This letter was not taken, others may be; it is tried again a few times."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice on its way to its person. The number is where they are reached; no name leaves the house."""

    notice_id: UUID
    at: datetime
    kind: str
    number: str = field(repr=False)
    phone: str | None = field(repr=False)
    """As confirmed by its owner; None when it was not."""
    content: dict[str, Any] = field(repr=False)
    """`{"zh": {"title", "body"}, "en": {"title", "body"}}`."""


class Channel(Protocol):
    """A channel."""

    @property
    def name(self) -> str:
        """Its name in the records."""

    def send(self, letter: Letter) -> None:
        """Deliver `letter`, at least once; the notice's id tells copies apart.

        Raises:
            ChannelDownError, LetterRefusedError: it was not delivered, or nobody knows.
        """
