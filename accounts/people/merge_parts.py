"""What each room says of two accounts of one person that become one: what would move, what stands in the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy.orm import Session

from accounts.tables import Person


class MergeObstacle(StrEnum):
    """Why two accounts cannot be merged now."""

    SAME_ACCOUNT = "same_account"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    HAS_ROLES = "has_roles"
    LOSS_OPEN = "loss_open"
    MONEY_HELD = "money_held"
    TOP_UP_OPEN = "top_up_open"
    CASH_WAITING = "cash_waiting"
    OFFLINE_WAITING = "offline_waiting"
    LIVES_IN_ROOM = "lives_in_room"
    PHOTO_UNDECIDED = "photo_undecided"


class MergeMove(StrEnum):
    """What becomes of something that belongs to the account that is closed."""

    MONEY = "money"
    """In fen."""
    CARDS_MOVED = "cards_moved"
    CARDS_ENDED = "cards_ended"
    PHOTOS_MOVED = "photos_moved"
    PHOTOS_WITHDRAWN = "photos_withdrawn"
    REFERENCES_MOVED = "references_moved"
    PASSES_MOVED = "passes_moved"
    NEEDS_KEPT = "needs_kept"
    NOTICES_MOVED = "notices_moved"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a room foresees; moves without a number are left out."""

    obstacles: frozenset[MergeObstacle] = frozenset()
    moves: Mapping[MergeMove, int] = field(default_factory=dict)


class MergePart(Protocol):
    """A room that keeps something of people: a module with these two functions."""

    def foresee(self, session: Session, keep: Person, gone: Person, *, now: datetime) -> Foreseen:
        """Say what would move from `gone` to `keep`, and what stands in the way."""
        ...

    def move(self, session: Session, keep: Person, gone: Person, *, by: str, now: datetime) -> None:
        """Move it, in the transaction of the merge; nothing stands in the way."""
        ...
