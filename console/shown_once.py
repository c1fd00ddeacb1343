"""Secrets that are shown once: a form that was sent twice shows the one that it made, and makes no other.

A browser shows the answer to the last time that it sent a form. For a minute the answer is kept in memory, under the
key that the form carries and the person who sent it, since no secret is kept anywhere in a form that can be shown.
"""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

from database import new_id

KEPT_S = 60.0
"""A second press and a reader that types Enter twice come within moments; a page loaded again after a minute is told
that the secret was shown."""

Made = TypeVar("Made")


@dataclass(slots=True)
class _Kept:
    at: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: list[Any] = field(default_factory=list)


class ShownOnce:
    """What was made a moment ago, by who sent the form and the form's key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds that pass."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Kept] = {}

    def make(self, person_id: UUID, key: UUID | None, asked: Hashable, write: Callable[[], Made]) -> Made:
        """Return what `write` makes, or what it made when the same person sent the same form with the same in it.

        The second of two at once waits for the first. What `write` raises is passed on, and nothing is kept; without
        a key nothing is either.
        """
        kept = self._of((person_id, key or new_id(), asked))
        with kept.lock:
            if not kept.made:
                kept.made.append(write())
            return cast("Made", kept.made[0])

    def _of(self, sent: Hashable) -> _Kept:
        now = self._clock()
        with self._lock:
            for one in [one for one, kept in self._kept.items() if now - kept.at > KEPT_S]:
                del self._kept[one]
            return self._kept.setdefault(sent, _Kept(now))
