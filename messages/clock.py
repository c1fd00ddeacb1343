"""The two times of a process at a gate: one port for edge and controller, whose monotonic times are compared."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A wall clock for records and rules, a monotonic one for every duration."""

    def now(self) -> datetime:
        """Return the wall clock as aware UTC; it can jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def monotonic_ns(self) -> int:
        """Return the same in nanoseconds, as messages carry it."""
        ...


class SystemClock:
    """This machine's clocks."""

    def now(self) -> datetime:
        """Return the machine's wall clock as aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds of CLOCK_MONOTONIC, which all processes of a machine share."""
        return time.monotonic()

    def monotonic_ns(self) -> int:
        """Return the nanoseconds of CLOCK_MONOTONIC."""
        return time.monotonic_ns()
