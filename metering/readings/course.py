"""What a register showed at any instant of a period in which one meter counted: pure, in whole digits.

Between two readings the value is interpolated and rounded down, so that what passed in neighbouring spans of time adds
up to what passed in both, to the digit.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from uuid import UUID

from metering.readings.register import advance
from metering.readings.values import Reading, ReadingAt, Register
from metering.vocabulary import ReadingQuality, ReadingSource

_TICK = timedelta(microseconds=1)


class NotReadYetError(Exception):
    """A value at an instant for which there is no reading at or after it, or none at or before it."""

    def __init__(self, meter: UUID, at: datetime) -> None:
        """Say which meter and which instant."""
        super().__init__(f"meter {meter} was not read around {at.isoformat()}")
        self.meter = meter
        self.at = at


@dataclass(frozen=True)
class Course:
    """A meter's register from its first reading for a room to its last: `readings` by time, none of them doubtful.

    There is at least one reading, and each begins after the one before it was last seen; the register is the same all
    the time.
    """

    meter: UUID
    serial: str
    register: Register
    readings: tuple[Reading, ...]

    @property
    def begins_at(self) -> datetime:
        """The instant of the first reading."""
        return self.readings[0].at

    @property
    def known_until(self) -> datetime:
        """The last instant at which the value is known."""
        return self.readings[-1].seen_at

    def value_at(self, at: datetime) -> ReadingAt:
        """Return what the register showed at an instant, with the readings it follows from.

        Raises:
            NotReadYetError: it lies outside of the readings.
        """
        before, after, passed = self._around(at)
        if before.digits == after.digits:
            # It stood still between the two, so that it is known without having been read.
            return ReadingAt(self.meter, at, before.digits, before.source, before.quality, before, after)
        digits = (before.digits + passed) % self.register.size
        return ReadingAt(self.meter, at, digits, ReadingSource.INTERPOLATED, ReadingQuality.ESTIMATED, before, after)

    def passed_until(self, at: datetime) -> int:
        """Return how many last digits passed from the first reading until an instant, over every wrap.

        Raises:
            NotReadYetError: it lies outside of the readings.
        """
        before, _, passed = self._around(at)
        return self._totals[bisect_left(self._begins, before.at)] + passed

    def _around(self, at: datetime) -> tuple[Reading, Reading, int]:
        """Return the readings around an instant, and the digits that passed since the first of them."""
        place = bisect_right(self._begins, at) - 1
        if place < 0 or at > self.known_until:
            raise NotReadYetError(self.meter, at)
        before = self.readings[place]
        if at <= before.seen_at:
            return before, before, 0
        after = self.readings[place + 1]
        step = self._totals[place + 1] - self._totals[place]
        gone, span = at - before.seen_at, after.at - before.seen_at
        return before, after, step * (gone // _TICK) // (span // _TICK)

    @cached_property
    def _begins(self) -> Sequence[datetime]:
        return [reading.at for reading in self.readings]

    @cached_property
    def _totals(self) -> Sequence[int]:
        totals = [0]
        for old, new in pairwise(self.readings):
            totals.append(totals[-1] + advance(old.digits, new.digits, self.register))
        return totals
