"""On which minutes of a day something holds, as stretches that can be drawn; by the clock on the wall."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from access.schedules import Schedule

DAY_MIN = 24 * 60

Stretch = tuple[int, int]
"""Minutes since the midnight that begins a day: from, and until before."""


def find_stretches(schedule: Schedule, day: date) -> list[Stretch]:
    """Return when a schedule is open on `day`, with what runs on from the evening before; in order, none touching."""
    found = [
        (_minute(hours.start), DAY_MIN if hours.wraps else _minute(hours.until)) for hours in schedule.hours_of(day)
    ]
    found += [(0, _minute(hours.until)) for hours in schedule.hours_of(day - timedelta(days=1)) if hours.wraps]
    return unite(found)


def find_period(start: datetime | None, end: datetime | None, day: date, zone: ZoneInfo) -> list[Stretch]:
    """Return the part of `day` that lies from `start` until before `end`; None leaves a side open."""
    midnight = datetime.combine(day, time(), zone)

    def minute(at: datetime) -> int:
        return int((at - midnight).total_seconds() // 60)

    first = 0 if start is None else max(0, minute(start))
    last = DAY_MIN if end is None else min(DAY_MIN, minute(end))
    return [(first, last)] if first < last else []


def unite(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the minutes that lie in any stretch."""
    found: list[Stretch] = []
    for start, end in sorted(one for one in stretches if one[0] < one[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def intersect(one: Iterable[Stretch], other: Iterable[Stretch]) -> list[Stretch]:
    """Return the minutes that lie in both."""
    others = list(other)
    return unite((max(a, c), min(b, d)) for a, b in one for c, d in others)


def subtract(stretches: Iterable[Stretch], holes: Iterable[Stretch]) -> list[Stretch]:
    """Return the minutes of `stretches` that lie in no hole."""
    return intersect(stretches, _gaps(unite(holes)))


def _gaps(holes: Iterable[Stretch]) -> Iterator[Stretch]:
    free = 0
    for start, end in holes:
        yield free, start
        free = end
    yield free, DAY_MIN


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
