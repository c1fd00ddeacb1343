"""A room's load between two readings: asked for while the line is idle, told when two answers are above the limit."""

import asyncio

from metering.frames.dlt645 import numbers
from metering.lines.collector import Collector
from metering.lines.unsent import UnsentFile
from metering.reader_contract import MeterLoad, MeterStatus
from metering.vocabulary import MeterAction
from tests.metering.lines.site import NOON, Site, meters, running_site
from tests.metering.lines.virtual_time import run_virtually


def limited(site: Site, *limits: int | None) -> None:
    """Let the meters have these limits."""
    planned = zip(site.plan.meters, limits, strict=True)
    changed = tuple(meter.model_copy(update={"load_limit_w": limit}) for meter, limit in planned)
    site.plan = site.plan.model_copy(update={"meters": changed})
    site.line.update(site.plan)


def loads_of(site: Site, place: int) -> list[int]:
    told = [one.load for one in site.sink.meters if one.meter == site.plan.meters[place].id]
    return [one.power_w for one in told if one is not None]


def test_a_load_above_the_limit_is_told_within_minutes_with_the_lower_of_two_answers() -> None:
    async def story() -> None:
        one, two, three = meters(3)
        async with running_site([one, two, three], has_relay=True) as site:
            limited(site, 800, 800, None)
            await asyncio.sleep(60)
            one.power_w, two.power_w, three.power_w = 900, 800, 5_000
            await asyncio.sleep(65)
            one.power_w = 850
            await asyncio.sleep(20)
            assert [loads_of(site, place) for place in range(3)] == [[850], [], []]
            assert numbers.ACTIVE_POWER not in three.asked

    run_virtually(story)


def test_a_motor_that_starts_is_no_overload() -> None:
    async def story() -> None:
        (one,) = meters(1)
        async with running_site([one], has_relay=True) as site:
            limited(site, 800)
            one.power_w = 3_000
            # The first question follows the cycle's own; the second one ten seconds later.
            await asyncio.sleep(5)
            one.power_w = 300
            await asyncio.sleep(600)
            assert loads_of(site, 0) == []
            # The first answer, the one ten seconds later, and every two minutes since.
            assert one.asked.count(numbers.ACTIVE_POWER) == 6

    run_virtually(story)


def test_no_power_is_asked_for_while_the_room_is_dark_or_the_meter_does_not_tell_it() -> None:
    async def story() -> None:
        one, two = meters(2)
        async with running_site([one, two], has_relay=True) as site:
            limited(site, 800, 800)
            site.order(0, MeterAction.TRIP)
            await asyncio.sleep(60)
            one.asked.clear()
            await asyncio.sleep(600)
            assert numbers.ACTIVE_POWER not in one.asked
            assert two.asked.count(numbers.ACTIVE_POWER) > 3

    run_virtually(story)


def test_a_load_that_was_not_sent_yet_outlives_a_newer_status(tmp_path) -> None:
    collector = Collector(UnsentFile(tmp_path / "unsent.db"))
    status = MeterStatus(meter="01920000-0000-7000-8000-000000000001")
    load = MeterLoad(power_w=900, at=NOON)
    collector.take_meter_status(status.model_copy(update={"load": load}))
    collector.take_meter_status(status)
    sent = collector.take_statuses()
    assert sent is not None
    assert [one.load for one in sent.meters] == [load]
