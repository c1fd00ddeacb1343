"""Hours on the wall: many windows a day, nights, holidays, exam weeks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from access.schedules import ALWAYS, EVERY_DAY, Hours, Schedule, SpecialDays, Window

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 9, 7)


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), SHANGHAI)


def windows(*spans: str, days: tuple[int, ...] = EVERY_DAY) -> tuple[Window, ...]:
    parts = [span.split("-") for span in spans]
    return tuple(
        Window(start=time.fromisoformat(start), end=time.fromisoformat(end), days=days) for start, end in parts
    )


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [("06:59", False), ("07:00", True), ("11:59", True), ("12:00", False), ("13:30", True), ("18:00", False)],
)
def test_a_day_may_have_several_windows_open_at_the_start_and_closed_at_the_end(clock: str, is_open: bool) -> None:
    schedule = Schedule(name="lessons", windows=windows("07:00-12:00", "13:30-18:00"))
    assert schedule.is_open(at(MONDAY, clock), SHANGHAI) is is_open


def test_a_night_belongs_to_the_day_it_starts_on() -> None:
    friday_night = Schedule(name="night", windows=windows("22:00-06:00", days=(4,)))
    friday = MONDAY + timedelta(days=4)
    assert friday_night.is_open(at(friday, "23:00"), SHANGHAI)
    assert friday_night.is_open(at(friday + timedelta(days=1), "05:59"), SHANGHAI)
    assert not friday_night.is_open(at(friday, "05:59"), SHANGHAI)
    assert not friday_night.is_open(at(friday + timedelta(days=1), "06:00"), SHANGHAI)


@pytest.mark.parametrize("end", ["24:00", "24:00:00", "00:00", "23:59", "23:59:00", "23:59:59"])
@pytest.mark.parametrize("start", ["00:00", "06:00"])
def test_a_day_ends_with_its_last_minute_however_it_is_written(start: str, end: str) -> None:
    hours = Schedule.model_validate({"name": "day", "windows": [{"start": start, "end": end, "days": [0]}]})
    assert hours.is_open(at(MONDAY, start), SHANGHAI)
    assert hours.is_open(at(MONDAY, "23:59:59.999999"), SHANGHAI)
    assert not hours.is_open(at(MONDAY + timedelta(days=1), "00:00"), SHANGHAI)
    special = SpecialDays.model_validate(
        {"name": "eve", "first": MONDAY, "last": MONDAY, "hours": [{"start": start, "end": end}]}
    )
    closed = Schedule(name="holiday", windows=(), special_days=(special,))
    assert closed.is_open(at(MONDAY, "23:59:30"), SHANGHAI)


def test_a_minute_before_midnight_may_begin_a_night() -> None:
    assert Schedule(name="night", windows=windows("23:59-06:00")).is_open(at(MONDAY, "23:59:30"), SHANGHAI)
    assert Schedule(name="round", windows=windows("23:59-23:59")).is_open(at(MONDAY, "12:00"), SHANGHAI)


def test_nothing_begins_at_24_00_and_the_error_says_what_to_write() -> None:
    with pytest.raises(ValidationError, match="00:00 of the next day"):
        Hours.model_validate({"start": "24:00", "end": "06:00"})


def test_equal_times_are_a_whole_day() -> None:
    sunday = Schedule(name="sunday", windows=windows("08:00-08:00", days=(6,)))
    assert sunday.is_open(at(MONDAY, "07:59"), SHANGHAI)
    assert not sunday.is_open(at(MONDAY, "08:00"), SHANGHAI)


def test_a_holiday_replaces_the_week_and_the_evening_before_runs_out() -> None:
    holiday = SpecialDays(name="national day", first=MONDAY, last=MONDAY)
    schedule = Schedule(name="dormitory", windows=windows("20:00-02:00"), special_days=(holiday,))
    assert schedule.is_open(at(MONDAY, "01:00"), SHANGHAI), "began on Sunday"
    assert not schedule.is_open(at(MONDAY, "21:00"), SHANGHAI)
    assert not schedule.is_open(at(MONDAY + timedelta(days=1), "01:00"), SHANGHAI), "would have begun on the holiday"


def test_an_exam_week_has_hours_of_its_own_and_the_first_that_covers_a_day_counts() -> None:
    night = (Hours(start=time(6), end=time(2)),)
    exams = SpecialDays(name="exams", first=MONDAY, last=MONDAY + timedelta(days=6), hours=night)
    closed = SpecialDays(name="works", first=MONDAY, last=MONDAY)
    week = windows("08:00-20:00")
    assert Schedule(name="library", windows=week, special_days=(exams, closed)).is_open(at(MONDAY, "23:00"), SHANGHAI)
    assert not Schedule(name="library", windows=week, special_days=(closed, exams)).is_open(
        at(MONDAY, "23:00"), SHANGHAI
    )


def test_the_campus_clock_counts_and_not_that_of_the_server() -> None:
    morning = Schedule(name="morning", windows=windows("07:00-08:00"))
    assert morning.is_open(datetime(2026, 9, 6, 23, 30, tzinfo=UTC), SHANGHAI)
    assert not morning.is_open(datetime(2026, 9, 7, 7, 30, tzinfo=UTC), SHANGHAI)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Window(start=time(7), end=time(8), days=()),
        lambda: Window(start=time(7), end=time(8), days=(7,)),
        lambda: Window(start=time(7, tzinfo=UTC), end=time(8)),
        lambda: SpecialDays(name="x", first=MONDAY, last=MONDAY - timedelta(days=1)),
        lambda: Schedule(name="Not A Name", windows=()),
    ],
)
def test_what_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        wrong()


times = st.times().map(lambda value: value.replace(microsecond=0))
spans = st.builds(Window, start=times, end=times, days=st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(tuple))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(spans, max_size=4).map(tuple), moments)
def test_a_schedule_is_open_exactly_within_the_stretches_it_lists(given_windows, now: datetime) -> None:
    """Against the plain reading: lay every window out as a stretch of the calendar and look whether one covers now."""
    local = now.astimezone(SHANGHAI).replace(tzinfo=None)
    stretches = []
    for offset in (-1, 0):
        day = local.date() + timedelta(days=offset)
        for window in given_windows:
            if day.weekday() in window.days:
                start, end = datetime.combine(day, window.start), datetime.combine(day, window.end)
                stretches.append((start, end if end > start else end + timedelta(days=1)))
    schedule = Schedule(name="any", windows=given_windows)
    covering = [start for start, end in stretches if start <= local < end]
    assert schedule.is_open(now, SHANGHAI) is bool(covering)
    opened = schedule.opened_at(now, SHANGHAI)
    assert (opened.replace(tzinfo=None) if opened else None) == max(covering, default=None)


@given(moments)
def test_always_is_always(now: datetime) -> None:
    assert ALWAYS.is_open(now, SHANGHAI)
    assert ALWAYS.is_open(now, ZoneInfo("America/New_York"))
