"""A limit on how often something may be tried in a period, by key (an address, a person).

It counts in the memory of one process: with several workers the effective limit is that many times larger, which does
for slowing down guessing. What must hold exactly (the lock-out of a password) is counted in the database.
"""

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from web.problems import ProblemError

_MAX_KEYS = 50_000


class TooManyTriesError(ProblemError):
    """The caller tried too often; `retry_after_s` says when to come back."""

    code = "too_many_tries"
    status = 429
    title = "Too many tries; wait"


@dataclass
class RateLimiter:
    """At most `limit` tries by one key in a sliding `period`."""

    limit: int
    period: timedelta
    _tries: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def count_try(self, key: str, now: datetime) -> None:
        """Count a try of `key` before its outcome is known, so that tries in parallel count like tries in a row.

        Raises:
            TooManyTriesError: it tried too often.
        """
        with self._lock:
            tries = self._find_recent(key, now)
            if len(tries) >= self.limit:
                wait = (tries[0] + self.period - now).total_seconds()
                seconds = max(1, round(wait + 0.5))
                raise TooManyTriesError(headers={"Retry-After": str(seconds)}, retry_after_s=seconds)
            tries.append(now)
            self._tries[key] = tries
            self._tries.move_to_end(key)
            while len(self._tries) > _MAX_KEYS:
                self._tries.popitem(last=False)

    def forgive_try(self, key: str, now: datetime) -> None:
        """Forgive the try that was counted last: it was no guess."""
        with self._lock:
            if tries := self._find_recent(key, now):
                tries.pop()

    def _find_recent(self, key: str, now: datetime) -> deque[datetime]:
        tries = self._tries.get(key, deque())
        while tries and tries[0] <= now - self.period:
            tries.popleft()
        return tries
