"""What a room used between two instants, over every meter that counted for it: pure, exact in watt-hours.

What passed in the parts of a span of time adds up to what passed in all of it, however it is divided: each part is a
difference of the same whole digits, and the ratio is multiplied only here.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from metering.readings.course import Course, NotReadYetError
from metering.readings.values import ReadingAt
from metering.vocabulary import ReadingQuality


@dataclass(frozen=True)
class RoomCourse:
    """One meter's course for a room; `ends_at` is None while it counts, and then it is known so far as it was read."""

    course: Course
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class MeterConsumption:
    """What passed one meter: both values that the difference is made of, as a bill quotes them, and the energy (Wh)."""

    serial: str
    start: ReadingAt
    end: ReadingAt
    digits: int
    ratio: int
    wh: int

    @property
    def is_estimated(self) -> bool:
        """Whether one of the values was interpolated or estimated."""
        return ReadingQuality.ESTIMATED in {self.start.quality, self.end.quality}


@dataclass(frozen=True, slots=True)
class Consumption:
    """What a room used from `start` to `end`, by meter and by time."""

    start: datetime
    end: datetime
    parts: tuple[MeterConsumption, ...]

    @property
    def wh(self) -> int:
        """All of it, in watt-hours."""
        return sum(part.wh for part in self.parts)

    @property
    def is_estimated(self) -> bool:
        """Whether any value in it was interpolated or estimated."""
        return any(part.is_estimated for part in self.parts)


def find_consumption(courses: Sequence[RoomCourse], start: datetime, end: datetime) -> Consumption:
    """Return what a room used from `start` to `end`; while no meter counted for it, that is nothing.

    Raises:
        NotReadYetError: a meter that counts was not read at or after `end`, or not at or before `start`.
    """
    parts = [_consumption_of(one.course, *span) for one in courses if (span := _overlap(one, start, end))]
    return Consumption(start, end, tuple(sorted(parts, key=lambda part: (part.start.at, part.serial))))


def find_known_until(courses: Sequence[RoomCourse]) -> datetime | None:
    """Return the instant until which all meters that count now were read; None where none counts."""
    return min((one.course.known_until for one in courses if one.ends_at is None), default=None)


def find_series(courses: Sequence[RoomCourse], instants: Sequence[datetime]) -> list[Consumption | None]:
    """Return what a room used between neighbouring `instants`; None for a span that was not read to its end."""
    return [_find_or_none(courses, start, end) for start, end in itertools.pairwise(instants)]


def _find_or_none(courses: Sequence[RoomCourse], start: datetime, end: datetime) -> Consumption | None:
    try:
        return find_consumption(courses, start, end)
    except NotReadYetError:
        return None


def _overlap(one: RoomCourse, start: datetime, end: datetime) -> tuple[datetime, datetime] | None:
    begins = max(start, one.course.begins_at)
    ends = end if one.ends_at is None else min(end, one.ends_at)
    return (begins, ends) if begins < ends else None


def _consumption_of(course: Course, start: datetime, end: datetime) -> MeterConsumption:
    digits = course.passed_until(end) - course.passed_until(start)
    return MeterConsumption(
        serial=course.serial,
        start=course.value_at(start),
        end=course.value_at(end),
        digits=digits,
        ratio=course.register.ratio,
        wh=course.register.to_wh(digits),
    )
