"""Whether this machine's clock agrees with the server's."""

import time
from datetime import UTC, datetime, timedelta

from access.passages import PassageLog

TOLERANCE = timedelta(minutes=2)
"""Clocks apart by less are the same: what is erased by them is days old."""
_VALID_S = 300.0
"""Twenty intervals at which a directory is asked for (`sync_interval`, 15 s), so that a lost answer does not count."""


class ConfirmedClock:
    """Confirmed for a short while by every answer of the server with the same time."""

    def __init__(self, passage_log: PassageLog) -> None:
        """Not confirmed yet."""
        self._passage_log = passage_log
        self._confirmed_s = float("-inf")

    def accept_server_time(self, at: datetime) -> None:
        """Compare with the server's time `at`, and bring down what was recorded while this clock was ahead."""
        now = datetime.now(UTC)
        if abs(now - at) <= TOLERANCE:
            self._confirmed_s = time.monotonic()
            self._passage_log.redate(now)

    def is_confirmed(self) -> bool:
        """Whether something may be erased by this machine's clock."""
        return time.monotonic() - self._confirmed_s <= _VALID_S
