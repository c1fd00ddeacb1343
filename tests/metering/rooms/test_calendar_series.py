"""Charts of consumption: every hour, day and month has its place, also where nothing is known of it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from console.views.consumption_chart import describe_chart
from metering.rooms import calendar_series
from metering.rooms.calendar_series import Unit, UnitState, find_window
from metering.rooms.series import Step
from tests.metering.dormitory import NOON, Dormitory, at

ZONE = ZoneInfo("Asia/Shanghai")
DAY = NOON.astimezone(ZONE).date()


@pytest.mark.parametrize(
    ("step", "window"),
    [
        (Step.HOUR, (date(2026, 12, 31), date(2027, 1, 1))),
        (Step.DAY, (date(2026, 12, 1), date(2027, 1, 1))),
        (Step.MONTH, (date(2026, 1, 1), date(2027, 1, 1))),
    ],
)
def test_a_day_names_the_time_that_is_shown(step: Step, window: tuple[date, date]) -> None:
    assert find_window(date(2026, 12, 31), step) == window


def hours(dormitory: Dormitory, room, *, now: datetime, since: datetime = NOON) -> list[Unit]:
    with dormitory.database.read() as session:
        return calendar_series.read_units(session, room.id, DAY, Step.HOUR, lived=(since, now), now=now, zone=ZONE)


def test_hours_that_nobody_read_are_told_from_those_in_which_nothing_was_used(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room)
    quarters = [(quarter / 4 + 0.001, 10 * quarter) for quarter in range(1, 9)]
    dormitory.read(meter, *quarters, (5.001, 110), (5.5, 115))
    found = hours(dormitory, room, now=at(7.5))
    assert len(found) == 24
    by_hour = {unit.begins.astimezone(ZONE).hour: unit for unit in found}
    states = {hour: unit.state for hour, unit in by_hour.items()}
    assert states[11] is UnitState.NOT_OURS
    # Read some seconds after each quarter: as good as read at the hour itself.
    assert states[12] is UnitState.READ
    assert (by_hour[12].wh, by_hour[12].state) == (390, UnitState.READ)
    assert {states[hour] for hour in (14, 15, 16)} == {UnitState.ESTIMATED}
    assert states[17] is UnitState.SO_FAR or states[17] is UnitState.ESTIMATED
    assert (states[18], by_hour[18].wh) == (UnitState.MISSING, None)
    assert (states[19], states[20]) == (UnitState.MISSING, UnitState.AHEAD)
    known = [unit.wh for unit in found if unit.wh is not None]
    assert sum(known) == 1_150, "nothing of what passed is lost between the bars"


def test_a_room_without_a_single_reading_since_shows_no_figure(dormitory: Dormitory) -> None:
    room = dormitory.room()
    dormitory.installed(room)
    found = hours(dormitory, room, now=at(3))
    assert {unit.state for unit in found if unit.begins >= NOON and unit.begins < at(3)} == {UnitState.MISSING}
    assert all(unit.wh is None for unit in found)


def test_a_chart_leads_no_further_back_than_one_lived_there() -> None:
    units = [Unit(NOON, NOON + timedelta(hours=1), UnitState.READ, 500), Unit(NOON, NOON, UnitState.MISSING)]
    shown = describe_chart(units, DAY, Step.HOUR, zone=ZONE, today=DAY, since=DAY)
    assert (shown["before"], shown["after"], shown["title"]) == (None, None, "2026-09-10")
    assert (shown["sum_wh"], shown["is_complete"]) == (500, False)
    assert shown["units"][0] == {"label": "12:00", "wh": 500, "state": "read"}
    earlier = describe_chart(units, DAY, Step.DAY, zone=ZONE, today=DAY + timedelta(days=30), since=date(2026, 3, 1))
    assert (earlier["before"], earlier["after"], earlier["title"]) == ("2026-08-31", "2026-10-01", "2026-09")
