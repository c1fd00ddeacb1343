"""A room's consumption in a whole day, month or year of the campus, unit by unit, for charts: nothing is left out.

What is not known is a unit too, and says why it has no figure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from metering.readings.values import ReadingAt
from metering.rooms.consumption import Consumption
from metering.rooms.series import Series, Span, Step, find_instants, find_midnight, read_series
from metering.vocabulary import ReadingQuality, ReadingSource

USUAL_GAP = timedelta(minutes=40)
"""Meters are read every quarter of an hour. Over a gap of two cycles and some seconds an hour's figure is as good as
read; over a longer one it is an estimate."""


class UnitState(StrEnum):
    """What the figure of an hour, day or month is worth."""

    READ = "read"
    ESTIMATED = "estimated"
    """Spread evenly over a time in which nobody read the meter."""
    SO_FAR = "so_far"
    MISSING = "missing"
    """Past, and not read until its end yet."""
    AHEAD = "ahead"
    NOT_OURS = "not_ours"
    """Whoever asks did not live there, or not yet."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An hour, day or month; `wh` is None where nothing is known."""

    begins: datetime
    ends: datetime
    state: UnitState
    wh: int | None = None


def find_window(day: date, step: Step) -> tuple[date, date]:
    """Return the first day of the time that is shown in units of `step`, and the day after its last."""
    if step is Step.HOUR:
        return day, day + timedelta(days=1)
    if step is Step.DAY:
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


def read_units(
    session: Session, room_id: UUID, day: date, step: Step, *, lived: Span, now: datetime, zone: ZoneInfo
) -> list[Unit]:
    """Return the hours of a day, the days of its month or the months of its year.

    Args:
        session: a transaction.
        room_id: whose consumption.
        day: of the campus; it names the day, month or year.
        step: in which units.
        lived: the time of which whoever asks may know.
        now: the current time.
        zone: the campus's.
    """
    first, last = (find_midnight(one, zone) for one in find_window(day, step))
    known = max(first, lived[0]), min(last, lived[1], now)
    series = read_series(session, room_id, known, step, zone)
    limits = [first, *find_instants(first, last, step, zone), last]
    return [_unit(begins, ends, series, known, now) for begins, ends in pairwise(limits)]


def _unit(begins: datetime, ends: datetime, series: Series, known: Span, now: datetime) -> Unit:
    if begins >= now:
        return Unit(begins, ends, UnitState.AHEAD)
    if ends <= known[0] or begins >= known[1]:
        return Unit(begins, ends, UnitState.NOT_OURS)
    found = [
        (span, used) for span, used in zip(series.spans, series.used, strict=True) if begins <= span[0] < ends and used
    ]
    if not found:
        return Unit(begins, ends, UnitState.MISSING)
    wh = sum(used.wh for _, used in found)
    if any(_is_guessed(used) for _, used in found):
        return Unit(begins, ends, UnitState.ESTIMATED, wh)
    is_whole = found[-1][0][1] >= min(ends, known[1])
    return Unit(begins, ends, UnitState.READ if is_whole and ends <= now else UnitState.SO_FAR, wh)


def _is_guessed(used: Consumption) -> bool:
    return any(_is_far_from_readings(value) for value in _values(used))


def _values(used: Consumption) -> Iterator[ReadingAt]:
    for part in used.parts:
        yield from (part.start, part.end)


def _is_far_from_readings(value: ReadingAt) -> bool:
    if value.quality is not ReadingQuality.ESTIMATED:
        return False
    return value.source is not ReadingSource.INTERPOLATED or value.after.at - value.before.seen_at > USUAL_GAP
