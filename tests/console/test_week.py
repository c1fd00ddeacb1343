"""A schedule in words and bars."""

from datetime import date, time

import pytest

from access.schedules import ALWAYS, Hours, Schedule, SpecialDays, Window
from console.texts import translator
from console.views.week import Bar, count_open_min, find_bars, find_months, say_special, say_week

T = translator("en")


def schedule(*windows: Window, special: tuple[SpecialDays, ...] = ()) -> Schedule:
    return Schedule(name="day", windows=windows, special_days=special)


def test_what_runs_over_midnight_stands_in_both_days() -> None:
    bars = find_bars(schedule(Window(start=time(22), end=time(6), days=(6,))))
    assert bars[6] == (Bar(22 * 60, 24 * 60),)
    assert bars[0] == (Bar(0, 6 * 60),)
    assert bars[1:6] == ((),) * 5


def test_hours_that_overlap_are_one_bar() -> None:
    found = find_bars(schedule(Window(start=time(8), end=time(12)), Window(start=time(11), end=time(14))))
    assert found[2] == (Bar(8 * 60, 14 * 60),)


@pytest.mark.parametrize(
    ("one", "hours"),
    [(ALWAYS, 168), (schedule(Window(start=time(8), end=time(23, 59), days=(0,))), 16), (schedule(), 0)],
)
def test_the_open_hours_of_a_week_are_counted(one: Schedule, hours: int) -> None:
    assert count_open_min(one) == hours * 60


def test_days_with_the_same_hours_are_one_line() -> None:
    one = schedule(
        Window(start=time(6), end=time(23), days=(0, 1, 2, 3, 4)), Window(start=time(7), end=time(1, 30), days=(5, 6))
    )
    assert say_week(one, T) == ["Monday to Friday 06:00–23:00", "Saturday, Sunday 07:00–01:30 (next day)"]
    assert say_week(ALWAYS, T) == ["Every day whole day"]
    assert say_week(schedule(), T) == ["Every day closed"]
    assert say_week(one, translator("zh"))[0] == "周一至周五 06:00–23:00"


def test_special_days_are_marked_in_the_months_that_have_some() -> None:
    closed = SpecialDays(name="holiday", first=date(2026, 10, 1), last=date(2026, 10, 7))
    short = SpecialDays(
        name="eve", first=date(2026, 12, 31), last=date(2026, 12, 31), hours=(Hours(start=time(8), end=time(0)),)
    )
    months = find_months(schedule(special=(closed, short)), date(2026, 9, 20))
    assert [month.first for month in months] == [date(2026, 10, 1), date(2026, 12, 1)]
    assert sum(one.special is closed for one in months[0].days) == 7
    assert (say_special(closed, T), say_special(short, T)) == ("closed", "08:00–24:00")
