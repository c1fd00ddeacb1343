"""What a line does next: the most urgent work that is due; among equals, what has been due for longest."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

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
    LOAD = 4
    """Whether a room draws more than it may: whenever the line has nothing else to do."""


class Waiting(NamedTuple, Generic[Work]):
    """One piece of work in the queue."""

    key: Hashable
    priority: Priority
    work: Work


class WorkQueue(Generic[Work]):
    """Work with a key, a priority and, where it is for later, the second from which it is due.

    What waits already under the same key is not put in again. Seconds are those of any clock that only counts.
    """

    def __init__(self) -> None:
        self._later: list[tuple[float, int, Waiting[Work]]] = []
        self._due: tuple[deque[Waiting[Work]], ...] = tuple(deque() for _ in Priority)
        self._keys: set[Hashable] = set()
        self._sequence = itertools.count()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._keys

    def put(self, key: Hashable, priority: Priority, work: Work, *, due_s: float | None = None) -> bool:
        """Add `work`; return False where `key` waits already."""
        if key in self._keys:
            return False
        self._keys.add(key)
        waiting = Waiting(key, priority, work)
        if due_s is None:
            self._due[priority].append(waiting)
        else:
            heapq.heappush(self._later, (due_s, next(self._sequence), waiting))
        return True

    def put_back(self, waiting: Waiting[Work]) -> None:
        """Add again what was taken and could not be done, before its equals."""
        if waiting.key not in self._keys:
            self._keys.add(waiting.key)
            self._due[waiting.priority].appendleft(waiting)

    def take(self, now_s: float) -> Waiting[Work] | None:
        """Return and remove the most urgent work that is due at `now_s`."""
        while self._later and self._later[0][0] <= now_s:
            later = heapq.heappop(self._later)[2]
            self._due[later.priority].append(later)
        for waiting in self._due:
            if waiting:
                found = waiting.popleft()
                self._keys.discard(found.key)
                return found
        return None

    def next_due_s(self) -> float | None:
        """Return when the next work for later is due; None where there is none."""
        return self._later[0][0] if self._later else None

    def discard(self, key: Hashable) -> None:
        """Drop the work of this key, if it waits."""
        if key in self._keys:
            self._keep(lambda one: one.key != key)

    def clear(self, priority: Priority) -> None:
        """Drop all work of this priority."""
        self._keep(lambda one: one.priority is not priority)

    def _keep(self, is_kept: Callable[[Waiting[Work]], bool]) -> None:
        self._later = [one for one in self._later if is_kept(one[2])]
        heapq.heapify(self._later)
        self._due = tuple(deque(one for one in waiting if is_kept(one)) for waiting in self._due)
        self._keys = {one[2].key for one in self._later} | {one.key for waiting in self._due for one in waiting}
