"""Clocks that tests set."""

from datetime import datetime


class SetClock:
    """A wall clock that shows what it was set to, beside a counting one that stands still."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def monotonic_ns(self) -> int:
        return 0
