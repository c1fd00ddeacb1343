"""Whether the controller's wall clock can be believed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from messages import Clock

JUMP_TOLERANCE = timedelta(seconds=2)
"""NTP corrects a clock that runs by moments; a computer that starts in the past is behind by far more."""
VOUCHED = timedelta(seconds=30)
"""How far this clock and the server's may be apart for the one to vouch for the other."""


class ClockWatch:
    """Tells whether the wall clock can be believed.

    Small computers without a battery start in the past. A clock that is behind a time already seen, before this start
    or since, is wrong; it is believed again as soon as it has passed that time, or when the server tells the same time:
    then it was the remembered one that was wrong.
    """

    def __init__(self, clock: Clock, latest_known: datetime | None = None) -> None:
        """`latest_known` is the latest time on record from before this start."""
        self._clock = clock
        self._latest = latest_known or datetime.min.replace(tzinfo=UTC)
        self._was_sure = True
        self.when_unsure: Callable[[datetime, datetime], None] | None = None
        """Called once when the clock turns out to be behind, with its time and the one that it has to reach."""

    @property
    def latest(self) -> datetime:
        """The latest time seen."""
        return self._latest

    def read(self) -> tuple[datetime, bool]:
        """Return the wall clock and whether it can be believed."""
        now = self._clock.now()
        sure = now + JUMP_TOLERANCE >= self._latest
        if sure:
            self._latest = max(self._latest, now)
        was_sure, self._was_sure = self._was_sure, sure
        if was_sure and not sure and self.when_unsure is not None:
            self.when_unsure(now, self._latest)
        return now, sure

    def advance_latest(self, at: datetime) -> None:
        """Take note of a time from a trustworthy place, such as the last synchronisation of the directory."""
        self._latest = max(self._latest, at)

    def accept_server_time(self, at: datetime) -> datetime | None:
        """Take the server's time from an answer that is surely its own, and return the wrong time given up for it.

        The server's word changes nothing about this clock: it only says whether what was remembered can be true.
        """
        now = self._clock.now()
        if abs(now - at) > VOUCHED or self._latest <= now + JUMP_TOLERANCE:
            return None
        given_up, self._latest = self._latest, now
        return given_up

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never run backwards."""
        return self._clock.monotonic_ns()

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self._clock.monotonic()
