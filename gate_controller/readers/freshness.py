"""Whether what a device gives is of this moment: lines, kernels and readers keep what nobody fetches, without age."""

from typing import Literal

STALE_S = 2.0
"""A card that was shown so long ago opens nothing: whoever waits longer shows it again, and others have come since."""


class Freshness:
    """Follows the looks at one device. After a pause nothing counts until a look found the device empty."""

    def __init__(self, now: float, *, settled: bool = False, longest_gap_s: float = STALE_S) -> None:
        """`settled`: the device can hold nothing yet. Looks end at most `longest_gap_s` apart (seconds) in health."""
        self._polled_at = now
        self._longest_gap_s = longest_gap_s
        self._settled = settled
        self.why: Literal["line_lost", "hung"] = "line_lost"
        """Why what was dropped last may be old."""

    @property
    def settled(self) -> bool:
        """Whether what comes now is of this moment."""
        return self._settled

    def lost(self) -> None:
        """Take note that the device was away."""
        self._settled, self.why = False, "line_lost"

    def record_poll(self, now: float, *, empty: bool) -> bool:
        """Take note of a look that ended at `now` (monotonic seconds); return whether what it found is fresh."""
        paused = now - self._polled_at > self._longest_gap_s
        self._polled_at = now
        if paused:
            # Also an empty look proves nothing here: it may have begun before the pause.
            self.why = "hung" if self._settled else self.why
            self._settled = False
            return False
        fresh, self._settled = self._settled, self._settled or empty
        return fresh
