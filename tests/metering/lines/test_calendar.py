"""What is read at which hour: midnight's frozen readings, and the meters' clocks."""

import asyncio
from datetime import date, datetime, timedelta

import pytest

from metering.lines import calendar
from metering.vocabulary import ReadingSource
from tests.metering.lines.site import CAMPUS, meters, running_site
from tests.metering.lines.virtual_time import run_virtually

DAY = date(2026, 11, 28)
EVENING = datetime(2026, 11, 27, 23, 40, tzinfo=CAMPUS)
MINUTE = 60.0
HOUR = 3600.0


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CAMPUS)


def test_the_frozen_reading_of_midnight_is_read_once_and_dated_midnight() -> None:
    async def story() -> None:
        two = meters(2)
        yesterday = {place: DAY - timedelta(days=1) for place in range(2)}
        async with running_site(two, start=EVENING, frozen_days=yesterday) as site:
            await asyncio.sleep(20 * MINUTE)
            for meter in two:
                meter.freezes.insert(0, (midnight(DAY), (meter.digits, 900, 50, 40, meter.digits - 990)))
                meter.digits += 3
            await asyncio.sleep(5 * HOUR)
            frozen = [one for one in site.sink.readings if one.source is ReadingSource.FROZEN]
            assert [(one.meter, one.at, one.digits, one.tariffs) for one in frozen] == [
                (plan.id, midnight(DAY), 1000 + n, (900, 50, 40, 10 + n)) for n, plan in enumerate(site.plan.meters, 1)
            ]
            assert site.sink.frozen == [(plan.id, DAY) for plan in site.plan.meters]

    run_virtually(story)


def test_nothing_frozen_is_asked_for_before_five_past_midnight() -> None:
    before = datetime(2026, 11, 28, 0, 4, 59, tzinfo=CAMPUS)
    assert calendar.day_to_freeze(before, CAMPUS) is None
    assert calendar.day_to_freeze(before + timedelta(seconds=1), CAMPUS) == DAY
    assert calendar.is_freeze_hour(before + timedelta(seconds=1), CAMPUS)
    assert not calendar.is_freeze_hour(before + timedelta(hours=2), CAMPUS)


def test_nothing_frozen_is_asked_for_while_a_meter_may_freeze_between_two_questions() -> None:
    before = datetime(2026, 11, 28, 23, 49, 59, tzinfo=CAMPUS)
    assert calendar.day_to_freeze(before, CAMPUS) == DAY
    assert calendar.day_to_freeze(before + timedelta(seconds=1), CAMPUS) is None


def test_a_midnight_without_power_is_left_out_and_no_other_is_taken_for_it() -> None:
    async def story() -> None:
        (one,) = meters(1)
        one.freezes = [(midnight(DAY - timedelta(days=back)), (1000 - back,)) for back in (0, 2, 3, 4)]
        three_days_ago = {0: DAY - timedelta(days=3)}
        noon = midnight(DAY) + timedelta(hours=12)
        async with running_site([one], start=noon, frozen_days=three_days_ago) as site:
            await asyncio.sleep(2 * HOUR)
            frozen = [reading for reading in site.sink.readings if reading.source is ReadingSource.FROZEN]
            assert [(reading.at, reading.digits) for reading in frozen] == [
                (midnight(DAY - timedelta(days=back)), 1000 - back) for back in (0, 2)
            ]
            # Known then, and not asked for in each cycle.
            assert site.sink.frozen == [(site.plan.meters[0].id, DAY)]

    run_virtually(story)


def test_a_freeze_of_another_time_than_midnight_is_not_taken_and_is_asked_for_again() -> None:
    async def story() -> None:
        (one,) = meters(1)
        one.freezes = [(midnight(DAY - timedelta(days=1)), (900,))]
        yesterday = {0: DAY - timedelta(days=1)}
        async with running_site([one], start=EVENING, frozen_days=yesterday) as site:
            await asyncio.sleep(1.2 * HOUR)
            assert not any(reading.source is ReadingSource.FROZEN for reading in site.sink.readings)
            # Its clock was an hour behind.
            one.freezes.insert(0, (midnight(DAY), (1001,)))
            await asyncio.sleep(HOUR)
            (frozen,) = [reading for reading in site.sink.readings if reading.source is ReadingSource.FROZEN]
            assert (frozen.at, frozen.digits) == (midnight(DAY), 1001)

    run_virtually(story)


def test_midnights_that_were_missed_are_read_afterwards() -> None:
    async def story() -> None:
        (one,) = meters(1)
        one.freezes = [(midnight(DAY - timedelta(days=back)), (1000 - back,)) for back in range(5)]
        three_days_ago = {0: DAY - timedelta(days=3)}
        noon = midnight(DAY) + timedelta(hours=12)
        async with running_site([one], start=noon, frozen_days=three_days_ago) as site:
            await asyncio.sleep(MINUTE)
            frozen = [reading for reading in site.sink.readings if reading.source is ReadingSource.FROZEN]
            assert [(reading.at, reading.digits) for reading in frozen] == [
                (midnight(DAY - timedelta(days=back)), 1000 - back) for back in range(3)
            ]

    run_virtually(story)


@pytest.mark.parametrize(
    ("hours", "order"),
    [(1, [ReadingSource.FROZEN, ReadingSource.CYCLE]), (12, [ReadingSource.CYCLE, ReadingSource.FROZEN])],
)
def test_a_midnight_is_read_first_in_its_hour_and_after_what_all_meters_show_when_it_was_missed(
    hours: int, order: list[ReadingSource]
) -> None:
    async def story() -> None:
        two = meters(2)
        for meter in two:
            meter.freezes = [(midnight(DAY), (meter.digits,))]
        yesterday = {place: DAY - timedelta(days=1) for place in range(2)}
        async with running_site(two, start=midnight(DAY) + timedelta(hours=hours), frozen_days=yesterday) as site:
            await asyncio.sleep(MINUTE)
            of = [one.id for one in site.plan.meters]
            assert [(one.source, one.meter) for one in site.sink.readings] == [
                (source, meter_id) for source in order for meter_id in of
            ]

    run_virtually(story)


def test_clocks_are_set_once_a_day_and_away_from_midnight() -> None:
    async def story() -> None:
        two = meters(2)
        for meter in two:
            meter.clock_off = timedelta(minutes=2)
        async with running_site(two, start=EVENING, sets_clocks=True) as site:
            await asyncio.sleep(3 * HOUR)
            assert {meter.clock_off for meter in two} == {timedelta(minutes=2)}
            await asyncio.sleep(HOUR)
            assert all(abs(meter.clock_off) < timedelta(seconds=2) for meter in two)
            for meter in two:
                meter.clock_off = timedelta(minutes=1)
            await asyncio.sleep(18 * HOUR)
            assert {meter.clock_off for meter in two} == {timedelta(minutes=1)}
            await asyncio.sleep(6 * HOUR)
            assert all(abs(meter.clock_off) < timedelta(seconds=2) for meter in two)
            del site

    run_virtually(story)


def test_cycles_begin_with_the_quarters_of_an_hour() -> None:
    async def story() -> None:
        async with running_site(meters(2), start=EVENING + timedelta(minutes=2)) as site:
            await asyncio.sleep(HOUR)
            minutes = [one.at.astimezone(CAMPUS).minute for one in site.sink.readings][::2]
            assert minutes == [42, 45, 0, 15, 30]

    run_virtually(story)


def test_what_a_meter_with_a_wrong_clock_froze_is_not_taken_for_midnight_and_is_told() -> None:
    async def story() -> None:
        slow, late, right = meters(3)
        slow.clock_off, late.clock_off = -timedelta(minutes=20), -timedelta(minutes=4)
        for meter in (slow, late, right):
            meter.freezes = [(midnight(DAY), (meter.digits - 5,))]
        yesterday = {place: DAY - timedelta(days=1) for place in range(3)}
        async with running_site(
            [slow, late, right], start=midnight(DAY) + HOUR / 6 * timedelta(seconds=1), frozen_days=yesterday
        ) as site:
            await asyncio.sleep(HOUR)
            # Set right since: what it froze before stays what it was.
            slow.clock_off = timedelta(0)
            await asyncio.sleep(HOUR)
            of = [one.id for one in site.plan.meters]
            assert [one.meter for one in site.sink.readings if one.source is ReadingSource.FROZEN] == of[1:]
            assert [one.clock_off_s for one in site.sink.meters if one.meter == of[0]] == [-1200, None]
            assert not [one for one in site.sink.meters if one.meter in of[1:]]

    run_virtually(story)


def test_cycles_go_on_however_short_and_after_the_wall_clock_was_set_ahead() -> None:
    async def story() -> None:
        async with running_site(meters(1), cycle_s=5.0) as site:
            await asyncio.sleep(60)
            assert len(site.sink.readings) in {12, 13}
            site.now.start += timedelta(seconds=2.5)
            await asyncio.sleep(60)
            assert len(site.sink.readings) in {24, 25, 26}

    run_virtually(story)
