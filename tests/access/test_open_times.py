"""Schedules as stretches of a day agree with the schedules themselves, minute by minute."""

import random
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from access.open_times import DAY_MIN, find_period, find_stretches, intersect, subtract, unite
from access.schedules import ALWAYS, Hours, Schedule, SpecialDays, Window

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 11, 23)


def times(dice: random.Random) -> dict[str, time]:
    start, end = (time(dice.choice((0, 6, 22, 23)), dice.choice((0, 30, 59))) for _ in range(2))
    return {"start": start, "end": end}


@pytest.mark.parametrize("seed", range(8))
def test_every_minute_of_a_week_is_as_the_schedule_says(seed: int) -> None:
    dice = random.Random(seed)
    windows = tuple(
        Window(**times(dice), days=tuple(dice.sample(range(7), dice.randint(1, 7)))) for _ in range(dice.randint(1, 3))
    )
    special = SpecialDays(name="x", first=MONDAY + timedelta(days=2), last=MONDAY + timedelta(days=3))
    if dice.random() < 0.5:
        special = special.model_copy(update={"hours": (Hours(**times(dice)),)})
    schedule = Schedule(name="mixed", windows=windows, special_days=(special,))
    for number in range(7):
        day = MONDAY + timedelta(days=number)
        stretches = find_stretches(schedule, day)
        midnight = datetime.combine(day, time(), ZONE)
        for minute in range(0, DAY_MIN, 7):
            drawn = any(start <= minute < end for start, end in stretches)
            assert drawn == schedule.is_open(midnight + timedelta(minutes=minute), ZONE), (day, minute)


def test_always_is_the_whole_day() -> None:
    assert find_stretches(ALWAYS, MONDAY) == [(0, DAY_MIN)]


def test_a_period_is_cut_to_the_day() -> None:
    noon = datetime.combine(MONDAY, time(12), ZONE)
    assert find_period(None, None, MONDAY, ZONE) == [(0, DAY_MIN)]
    assert find_period(noon, None, MONDAY, ZONE) == [(720, DAY_MIN)]
    assert find_period(None, noon, MONDAY, ZONE) == [(0, 720)]
    assert find_period(noon + timedelta(days=1), None, MONDAY, ZONE) == []


def test_stretches_are_united_cut_and_subtracted() -> None:
    assert unite([(5, 9), (1, 3), (3, 4), (8, 12), (7, 7)]) == [(1, 4), (5, 12)]
    assert intersect([(0, 10), (20, 30)], [(5, 25)]) == [(5, 10), (20, 25)]
    assert subtract([(0, 100)], [(10, 20), (15, 30), (90, 200)]) == [(0, 10), (30, 90)]
    assert subtract([(0, 100)], []) == [(0, 100)]
