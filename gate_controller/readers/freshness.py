"""Whether what a device gives is of this moment: lines, kernels and readers keep what nobody fetches, without age."""

from typing import Literal

STALE_S = 2.0
"""A card that was shown so long ago opens nothing: whoever waits longer shows it again, and others have come since."""


class Freshness:
    """Follows the polls of one device. After a pause nothing counts until a poll found the device empty."""

    def __init__(self, now: float, *, settled: bool = False, longest_gap_s: float = STALE_S) -> None:
        """`settled`: the device can hold nothing yet. Polls end at most `longest_gap_s` apart (seconds) in health."""
        self._polled_at = now
        self._longest_gap_s = longest_gap_s
        self._settled = settled
        self.why: Literal["line_lost", "hung"] = "line_lost"
        """Why what was dropped last may be old."""

    @property
    def settled(self) -> bool:
        """Whether what comes now is of this moment."""
        return self._settled

    def record_poll(self, now: float, *, empty: bool) -> bool:
        """Record a poll that ended at `now` (monotonic seconds); return whether what it found is fresh."""
        paused = now - self._polled_at > self._longest_gap_s
        self._polled_at = now
        if paused:
            # Also an empty poll proves nothing here: it may have begun before the pause.
            self.why = "hung" if self._settled else self.why
            self._settled = False
            return False
        fresh, self._settled = self._settled, self._settled or empty
        return fresh
