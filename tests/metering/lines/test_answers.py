"""What goes wrong on a line never becomes a reading: late, foreign, another item, echo, noise, garbled."""

import asyncio

import pytest

from campusgate.demo.simulated_meters import Fault
from metering.reader_contract import OrderOutcome
from metering.vocabulary import MeterAction, ReadingSource
from tests.metering.lines.site import meters, running_site
from tests.metering.lines.virtual_time import run_virtually

MINUTE = 60.0


@pytest.mark.parametrize("fault", [Fault.ECHO, Fault.NOISE, Fault.IN_PIECES])
def test_a_right_answer_counts_whatever_comes_with_it(fault: Fault) -> None:
    async def story() -> None:
        three = meters(3)
        three[1].fault = fault
        async with running_site(three) as site:
            await asyncio.sleep(MINUTE)
            assert [site.digits_of(place) for place in range(3)] == [[1001], [1002], [1003]]

    run_virtually(story)


@pytest.mark.parametrize(
    "fault", [Fault.SILENT, Fault.LATE, Fault.FOREIGN, Fault.OTHER_ITEM, Fault.GARBLED, Fault.REFUSING, Fault.NO_VALUE]
)
def test_a_wrong_answer_yields_no_reading_and_spoils_no_other_meters(fault: Fault) -> None:
    async def story() -> None:
        three = meters(3)
        three[1].fault = fault
        async with running_site(three) as site:
            await asyncio.sleep(2 * MINUTE)
            assert [site.digits_of(place) for place in range(3)] == [[1001], [], [1003]]

    run_virtually(story)


@pytest.mark.parametrize("late_s", [0.5, 0.7, 0.9, 1.1, 1.3, 1.7, 2.0, 3.0, 4.5])
def test_an_answer_that_is_late_is_never_taken_for_another_meters(late_s: float) -> None:
    async def story() -> None:
        twenty = meters(20)
        for place in range(0, 20, 3):
            twenty[place].fault = Fault.LATE
        async with running_site(twenty, late_s=late_s) as site:
            await asyncio.sleep(80 * MINUTE)
            for place in range(20):
                assert set(site.digits_of(place)) <= {1001 + place}
            assert all(len(site.digits_of(place)) >= 5 for place in range(20) if place % 3)

    run_virtually(story)


def test_a_gateway_whose_answers_lag_more_and_more_yields_no_wrong_reading() -> None:
    async def story() -> None:
        ten = meters(10)
        async with running_site(ten, lag_s=0.2) as site:
            await asyncio.sleep(10 * MINUTE)
            for place in range(10):
                assert set(site.digits_of(place)) <= {1001 + place}
            assert [status.is_up for status in site.sink.lines][-1] is False

    run_virtually(story)


def test_a_wait_in_the_address_lets_a_slow_gateway_work() -> None:
    async def story() -> None:
        five = meters(5)
        for meter in five:
            meter.fault = Fault.LATE
        async with running_site(five, late_s=1.5, options="?wait_ms=2000") as site:
            await asyncio.sleep(MINUTE)
            assert len(site.sink.readings) == 5

    run_virtually(story)


def test_a_persons_question_goes_before_the_cycle() -> None:
    async def story() -> None:
        thirty = meters(30)
        async with running_site(thirty) as site:
            await asyncio.sleep(0.5)
            order = site.order(29, MeterAction.READ)
            await asyncio.sleep(1.5)
            result = site.last_result(order)
            assert (result.outcome, result.digits) == (OrderOutcome.DONE, 1030)
            assert [one.source for one in site.sink.readings].count(ReadingSource.REQUESTED) == 1
            assert len(site.sink.readings) < 10

    run_virtually(story)
