"""A schedule as people read it: its hours in words, bars of a week, and a calendar of its special days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from access.schedules import EVERY_DAY, Hours, Schedule, SpecialDays
from console.texts import Translate

DAY_MIN = 24 * 60
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of one day, in minutes since its midnight."""

    start_min: int
    end_min: int


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of a month: `special` is what replaces its weekly hours, None on an ordinary day."""

    day: date
    special: SpecialDays | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month whose first day is weekday `offset` (Monday is 0)."""

    first: date
    offset: int
    days: tuple[CalendarDay, ...]


def find_bars(schedule: Schedule) -> tuple[tuple[Bar, ...], ...]:
    """Return the bars of each day, Monday first; what runs over midnight stands in both days."""
    days: list[list[Bar]] = [[] for _ in EVERY_DAY]
    for window in schedule.windows:
        start, end = _minutes(window)
        for day in window.days:
            days[day].append(Bar(start, min(end, DAY_MIN)))
            if end > DAY_MIN:
                days[(day + 1) % 7].append(Bar(0, end - DAY_MIN))
    return tuple(tuple(_merge(bars)) for bars in days)


def count_open_min(schedule: Schedule) -> int:
    """Return how many minutes of an ordinary week a schedule is open."""
    return sum(bar.end_min - bar.start_min for bars in find_bars(schedule) for bar in bars)


def say_hours(hours: Hours, t: Translate) -> str:
    """Return `06:00–23:00`; with a mark where it ends on the day after."""
    start, end = _minutes(hours)
    if (start, end) == (0, DAY_MIN):
        return t("administration.week.whole_day")
    until = f"{end % DAY_MIN // 60:02}:{end % 60:02}" if end != DAY_MIN else "24:00"
    words = f"{start // 60:02}:{start % 60:02}–{until}"
    return words + t("administration.week.next_day") if end > DAY_MIN else words


def say_days(days: Sequence[int], t: Translate) -> str:
    """Return `Monday to Friday`, `Saturday, Sunday`, or that it is every day."""
    wanted = sorted(set(days))
    if wanted == list(EVERY_DAY):
        return t("administration.week.every_day")
    names = [t(f"administration.weekday.{day}") for day in wanted]
    if len(wanted) > 2 and wanted[-1] - wanted[0] == len(wanted) - 1:
        return t("administration.week.from_to").format(first=names[0], last=names[-1])
    return t("order.between").join(names)


def say_week(schedule: Schedule, t: Translate) -> list[str]:
    """Return a line for each set of days that has the same hours."""
    by_day = {day: tuple(say_hours(window, t) for window in _of_day(schedule, day)) for day in EVERY_DAY}
    lines: dict[tuple[str, ...], list[int]] = {}
    for day, hours in by_day.items():
        lines.setdefault(hours, []).append(day)
    closed = t("administration.week.closed")
    return [f"{say_days(days, t)} {t('order.between').join(hours) or closed}" for hours, days in lines.items()]


def say_special(special: SpecialDays, t: Translate) -> str:
    """Return the hours of special days."""
    hours = t("order.between").join(say_hours(one, t) for one in special.hours)
    return hours or t("administration.week.closed")


def find_months(schedule: Schedule, today: date) -> list[Month]:
    """Return the months of the coming year that have special days."""
    months = []
    first = today.replace(day=1)
    for _ in range(_MONTHS):
        following = (first + timedelta(days=32)).replace(day=1)
        days = [first + timedelta(days=one) for one in range((following - first).days)]
        marked = tuple(CalendarDay(day, schedule.special_on(day)) for day in days)
        if any(one.special for one in marked):
            months.append(Month(first, first.weekday(), marked))
        first = following
    return months


def _of_day(schedule: Schedule, day: int) -> list[Hours]:
    return sorted((one for one in schedule.windows if day in one.days), key=lambda one: one.start)


def _minutes(hours: Hours) -> tuple[int, int]:
    """Return start and end in minutes since the midnight of the day it starts on; the end may be after the next."""
    start = hours.start.hour * 60 + hours.start.minute
    end = hours.until.hour * 60 + hours.until.minute
    return start, end + DAY_MIN if hours.wraps else end


def _merge(bars: list[Bar]) -> Iterator[Bar]:
    current: Bar | None = None
    for bar in sorted(bars, key=lambda one: one.start_min):
        if current is not None and bar.start_min <= current.end_min:
            current = Bar(current.start_min, max(current.end_min, bar.end_min))
            continue
        if current is not None:
            yield current
        current = bar
    if current is not None:
        yield current
