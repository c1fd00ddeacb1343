"""What a line does next: the most urgent work that is due; among equals, what waited longest."""

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Priority(IntEnum):
    """The lower, the sooner."""

    SUPPLY = 0
    """An order to a relay: somebody sits in the dark, or uses what they have not paid."""
    QUESTION = 1
    """A person waits before a page."""
    FREEZE = 2
    """What the day's bill is made of."""
    CYCLE = 3


@dataclass(order=True, slots=True)
class Waiting(Generic[Work]):
    """One piece of work in the queue."""

    rank: tuple[float, int]
    key: Hashable = field(compare=False)
    priority: Priority = field(compare=False)
    sequence: int = field(compare=False)
    work: Work = field(compare=False)


class WorkQueue(Generic[Work]):
    """Work with a key, a priority and, where it is for later, the second from which it is due.

    What waits already under the same key is not put in again. Seconds are those of any clock that only counts.
    """

    def __init__(self) -> None:
        self._later: list[Waiting[Work]] = []
        self._due: list[Waiting[Work]] = []
        self._keys: set[Hashable] = set()
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._keys

    def put(self, key: Hashable, priority: Priority, work: Work, *, due_s: float | None = None) -> bool:
        """Add `work`; return False where `key` waits already."""
        if key in self._keys:
            return False
        self._keys.add(key)
        self._sequence += 1
        if due_s is None:
            rank = (float(priority), self._sequence)
            heapq.heappush(self._due, Waiting(rank, key, priority, self._sequence, work))
        else:
            rank = (due_s, self._sequence)
            heapq.heappush(self._later, Waiting(rank, key, priority, self._sequence, work))
        return True

    def put_back(self, waiting: Waiting[Work]) -> None:
        """Add again what was taken and could not be done, before its equals."""
        if waiting.key not in self._keys:
            self._keys.add(waiting.key)
            heapq.heappush(self._due, waiting)

    def take(self, now_s: float) -> Waiting[Work] | None:
        """Return and remove the most urgent work that is due at `now_s`."""
        while self._later and self._later[0].rank[0] <= now_s:
            one = heapq.heappop(self._later)
            one.rank = (float(one.priority), one.sequence)
            heapq.heappush(self._due, one)
        if not self._due:
            return None
        found = heapq.heappop(self._due)
        self._keys.discard(found.key)
        return found

    def next_due_s(self) -> float | None:
        """Return when the next work for later is due; None where there is none."""
        return self._later[0].rank[0] if self._later else None

    def discard(self, key: Hashable) -> None:
        """Drop the work of this key, if it waits."""
        if key in self._keys:
            self._keep(lambda one: one.key != key)

    def clear(self, priority: Priority) -> None:
        """Drop all work of this priority."""
        self._keep(lambda one: one.priority is not priority)

    def _keep(self, is_kept: Callable[[Waiting[Work]], bool]) -> None:
        for waiting in (self._later, self._due):
            waiting[:] = [one for one in waiting if is_kept(one)]
            heapq.heapify(waiting)
        self._keys = {one.key for one in (*self._later, *self._due)}
