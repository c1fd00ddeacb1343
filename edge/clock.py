"""Time as a port, so that tests can move it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The two times of the edge."""

    def now(self) -> datetime:
        """Return the wall clock as aware UTC; it can jump, and only rules and records use it."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; every duration here is measured with them."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the machine's wall clock as aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()
