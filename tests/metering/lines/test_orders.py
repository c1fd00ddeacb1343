"""Orders to relays: sent, then done when the relay shows it; never after their time."""

import asyncio
from datetime import timedelta

import pytest

from campusgate.demo.simulated_meters import Fault
from metering.frames.dlt645.orders import Credentials
from metering.lines.protocol import Status
from metering.lines.protocols.dlt645 import Dlt645
from metering.reader_contract import OrderOutcome
from metering.vocabulary import MeterAction, ReadingSource, SupplyState
from tests.metering.lines.site import CAMPUS, meters, running_site
from tests.metering.lines.virtual_time import run_virtually

MINUTE = 60.0


def test_a_trip_is_sent_when_acknowledged_and_done_when_the_relay_has_opened() -> None:
    async def story() -> None:
        four = meters(4)
        four[1].moves_after_s = 6.0
        async with running_site(four, has_relay=True) as site:
            await asyncio.sleep(MINUTE)
            order = site.order(1, MeterAction.TRIP)
            await asyncio.sleep(3)
            assert site.results_of(order) == ["sent"]
            four[1].digits += 5
            await asyncio.sleep(10)
            assert site.results_of(order) == ["sent", "done"]
            result = site.last_result(order)
            assert (result.supply, result.status_word, result.digits) == (SupplyState.OFF, 0x50, 1007)
            assert site.sink.readings[-1].source is ReadingSource.REQUESTED
            # Asked for while nothing else happened, the line goes on with its work.
            assert site.sink.lines[-1].is_up

    run_virtually(story)


@pytest.mark.parametrize(("word", "follows"), [(0x50, True), (0x10, False), (0x40, False), (0x00, False)])
def test_a_trip_is_followed_only_by_an_open_relay_that_the_button_does_not_close(word: int, follows: bool) -> None:
    protocol = Dlt645(CAMPUS, Credentials())
    shown = SupplyState.OFF if follows else SupplyState.ON
    assert protocol.has_followed(MeterAction.TRIP, Status(shown, word)) is follows


def test_an_armed_meter_is_done_and_its_closing_by_the_button_is_seen_within_half_a_minute() -> None:
    async def story() -> None:
        four = meters(4)
        four[2].is_open = four[2].is_told_to_open = True
        async with running_site(four, has_relay=True) as site:
            await asyncio.sleep(MINUTE)
            order = site.order(2, MeterAction.ARM)
            await asyncio.sleep(5)
            assert site.results_of(order) == ["sent", "done"]
            assert site.last_result(order).supply is SupplyState.ARMED
            await asyncio.sleep(95)
            assert four[2].press_button()
            await asyncio.sleep(30)
            assert [one.supply for one in site.sink.meters if one.meter == site.plan.meters[2].id] == [
                SupplyState.OFF,
                SupplyState.ARMED,
                SupplyState.ON,
            ]

    run_virtually(story)


def test_a_relay_that_does_not_move_is_told_although_the_meter_acknowledged() -> None:
    async def story() -> None:
        four = meters(4)
        four[0].fault = Fault.STUCK
        async with running_site(four, has_relay=True) as site:
            order = site.order(0, MeterAction.TRIP)
            await asyncio.sleep(MINUTE)
            result = site.last_result(order)
            assert site.results_of(order) == ["sent", "refused"]
            assert (result.error, result.supply) == ("relay_not_moved", SupplyState.ON)

    run_virtually(story)


@pytest.mark.parametrize("action", [MeterAction.TRIP, MeterAction.READ, MeterAction.SET_CLOCK])
def test_a_meter_that_does_not_answer_is_silent(action: MeterAction) -> None:
    async def story() -> None:
        four = meters(4)
        four[3].fault = Fault.SILENT
        async with running_site(four, has_relay=True) as site:
            order = site.order(3, action)
            await asyncio.sleep(2 * MINUTE)
            assert site.results_of(order) == ["silent"]

    run_virtually(story)


def test_an_order_that_is_over_its_time_is_never_sent() -> None:
    async def story() -> None:
        eight = meters(8)
        eight[0].moves_after_s = 20
        async with running_site(eight, has_relay=True) as site:
            late = site.order(1, MeterAction.TRIP, valid_s=-1.0)
            await asyncio.sleep(MINUTE)
            assert site.results_of(late) == ["expired"]
            assert eight[1].orders == []

    run_virtually(story)


def test_an_order_carries_its_expiry_into_the_meter() -> None:
    async def story() -> None:
        four = meters(4)
        four[1].clock_off = timedelta(minutes=6)
        async with running_site(four, has_relay=True) as site:
            await asyncio.sleep(MINUTE)
            obeyed = site.order(0, MeterAction.TRIP)
            refused = site.order(1, MeterAction.TRIP)
            await asyncio.sleep(MINUTE)
            assert four[0].orders[0].valid_until == obeyed.expires_at.replace(microsecond=0)
            assert site.results_of(refused) == ["refused"]
            assert site.last_result(refused).error == "the order has expired"

    run_virtually(story)


def test_a_refusal_says_why() -> None:
    async def story() -> None:
        four = meters(4)
        four[0].password = "123456"
        async with running_site(four, has_relay=True) as site:
            order = site.order(0, MeterAction.CLOSE)
            await asyncio.sleep(MINUTE)
            assert site.last_result(order).outcome is OrderOutcome.REFUSED
            assert site.last_result(order).error == "wrong password, or not allowed"

    run_virtually(story)


def test_an_order_whose_acknowledgement_is_lost_is_done_when_the_relay_shows_it() -> None:
    class Deaf(Dlt645):
        """Takes no acknowledgement for one."""

        def order(self, meter, action, expires_at):
            request = super().order(meter, action, expires_at)
            return type(request)(request.payload, request.answer_bytes, lambda _frame: None)

    async def story() -> None:
        four = meters(4)
        async with running_site(four, has_relay=True, protocol=Deaf) as site:
            order = site.order(0, MeterAction.TRIP)
            await asyncio.sleep(MINUTE)
            assert site.results_of(order) == ["done"]
            assert len(four[0].orders) == 2

    run_virtually(story)


def test_trips_and_arming_go_before_questions_and_the_cycle() -> None:
    async def story() -> None:
        thirty = meters(30)
        async with running_site(thirty, has_relay=True) as site:
            await asyncio.sleep(0.5)
            question = site.order(5, MeterAction.READ)
            trip = site.order(6, MeterAction.TRIP)
            await asyncio.sleep(MINUTE)
            ordered = [of for of, _ in site.sink.results]
            assert ordered == [trip.id, trip.id, question.id]

    run_virtually(story)


def test_the_same_order_given_again_is_carried_out_once() -> None:
    async def story() -> None:
        four = meters(4)
        four[0].moves_after_s = 5
        async with running_site(four, has_relay=True) as site:
            order = site.order(0, MeterAction.TRIP)
            for _ in range(20):
                await asyncio.sleep(0.5)
                site.line.give(order)
            assert site.results_of(order) == ["sent", "done"]
            assert len(four[0].orders) == 1

    run_virtually(story)


def test_a_clock_is_set_by_broadcast_and_read_again() -> None:
    async def story() -> None:
        four = meters(4)
        four[0].clock_off, four[1].clock_off = timedelta(minutes=3), timedelta(minutes=20)
        async with running_site(four) as site:
            order = site.order(0, MeterAction.SET_CLOCK)
            far = site.order(1, MeterAction.SET_CLOCK)
            await asyncio.sleep(MINUTE)
            assert site.results_of(order) == ["done"]
            assert abs(four[0].clock_off) < timedelta(seconds=2)
            assert site.last_result(far).error == "clock_not_set"

    run_virtually(story)


def test_a_meter_without_a_relay_is_not_ordered() -> None:
    async def story() -> None:
        async with running_site(meters(2)) as site:
            order = site.order(0, MeterAction.TRIP)
            await asyncio.sleep(MINUTE)
            assert site.last_result(order).error == "not_supported"

    run_virtually(story)


def test_keeping_power_on_is_done_when_the_meter_shows_it() -> None:
    async def story() -> None:
        async with running_site(meters(2), has_relay=True) as site:
            keep = site.order(0, MeterAction.KEEP_ON)
            await asyncio.sleep(5)
            trip = site.order(0, MeterAction.TRIP)
            await asyncio.sleep(5)
            assert site.results_of(keep) == ["sent", "done"]
            assert site.last_result(trip).error == "no trip while power is kept on"

    run_virtually(story)
