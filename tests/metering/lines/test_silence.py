"""Meters that rest, lines that are down."""

import asyncio
from datetime import timedelta

from campusgate.demo.simulated_meters import Fault
from metering.reader_contract import OrderOutcome
from metering.vocabulary import MeterAction
from tests.metering.lines.site import meters, running_site
from tests.metering.lines.virtual_time import run_virtually

CYCLE = 900.0
MINUTE = 60.0
HOUR = 3600.0


def test_a_silent_meter_rests_one_cycle_then_four_then_is_asked_hourly() -> None:
    async def story() -> None:
        six = meters(6)
        six[2].fault = Fault.SILENT
        asked_at: list[float] = []
        async with running_site(six) as site:
            before = site.wire.received
            for cycle in range(24):
                await asyncio.sleep(CYCLE / 2)
                # Five that answer, and two tries at the silent one.
                if site.wire.received - before > 5:
                    asked_at.append(cycle)
                before = site.wire.received
                await asyncio.sleep(CYCLE / 2)
            assert asked_at == [0, 2, 7, 11, 15, 19, 23]

    run_virtually(story)


def test_a_meter_is_reported_silent_after_three_cycles_and_when_it_answers_again() -> None:
    async def story() -> None:
        six = meters(6)
        six[2].fault = Fault.SILENT
        async with running_site(six) as site:
            await asyncio.sleep(2.9 * CYCLE)
            assert site.sink.meters == []
            await asyncio.sleep(0.5 * CYCLE)
            (status,) = site.sink.meters
            assert status.meter == site.plan.meters[2].id
            assert status.silent_since is not None
            assert site.now() - status.silent_since > timedelta(seconds=2.9 * CYCLE)
            assert (site.sink.lines[-1].is_up, site.sink.lines[-1].silent_meters) == (True, 1)
            six[2].fault = None
            await asyncio.sleep(HOUR + CYCLE)
            assert site.sink.meters[-1].silent_since is None
            assert site.sink.lines[-1].silent_meters == 0
            assert set(site.digits_of(2)) == {1003}

    run_virtually(story)


def test_five_silent_meters_in_a_row_are_the_line_and_none_of_them_is_blamed() -> None:
    async def story() -> None:
        forty = meters(40)
        async with running_site(forty) as site:
            await asyncio.sleep(CYCLE + 5)
            site.wire.is_dead = True
            before = site.wire.received
            await asyncio.sleep(MINUTE)
            assert not site.sink.lines[-1].is_up
            await asyncio.sleep(10 * CYCLE)
            # Two tries at five meters and three others, then one meter each half a minute instead of forty.
            assert site.wire.received - before < 16 + 2 * (10 * CYCLE + MINUTE) / 30 + 4
            assert site.sink.meters == []
            assert len(site.sink.lines) == 2
            site.wire.is_dead = False
            site.sink.readings.clear()
            await asyncio.sleep(MINUTE)
            assert site.sink.lines[-1].is_up
            assert {one.meter for one in site.sink.readings} == {one.id for one in site.plan.meters}

    run_virtually(story)


def test_a_probe_goes_to_another_meter_each_time() -> None:
    async def story() -> None:
        eight = meters(8)
        for meter in eight:
            meter.fault = Fault.SILENT
        async with running_site(eight) as site:
            await asyncio.sleep(MINUTE)
            assert not site.sink.lines[-1].is_up
            eight[6].fault = None
            await asyncio.sleep(8 * 30 + 10)
            assert set(site.digits_of(6)) == {1007}
            assert any(status.is_up for status in site.sink.lines)

    run_virtually(story)


def test_a_gateway_that_is_gone_is_a_line_that_is_down() -> None:
    async def story() -> None:
        ten = meters(10)
        async with running_site(ten) as site:
            await asyncio.sleep(5 * MINUTE)
            assert len(site.sink.readings) == 10
            await site.gateway.stop()
            await asyncio.sleep(CYCLE)
            assert not site.sink.lines[-1].is_up
            await site.gateway.start()
            await asyncio.sleep(MINUTE)
            assert site.sink.lines[-1].is_up
            assert len(site.sink.readings) >= 20
            assert site.sink.meters == []

    run_virtually(story)


def test_a_gateway_that_hangs_up_when_idle_is_only_connected_again() -> None:
    async def story() -> None:
        ten = meters(10)
        async with running_site(ten) as site:
            for _ in range(4):
                await asyncio.sleep(5 * MINUTE)
                for client in list(site.gateway.clients):
                    client.transport.abort()
                await asyncio.sleep(9 * MINUTE)
            assert [status.is_up for status in site.sink.lines] == [True]
            assert site.gateway.connections == 4
            assert site.gateway.most_clients == 1

    run_virtually(story)


def test_while_the_line_is_down_a_question_is_answered_and_an_order_waits() -> None:
    async def story() -> None:
        ten = meters(10)
        async with running_site(ten, has_relay=True) as site:
            await asyncio.sleep(MINUTE)
            await site.gateway.stop()
            site.order(0, MeterAction.READ)
            await asyncio.sleep(1)
            question = site.order(1, MeterAction.READ)
            trip = site.order(2, MeterAction.TRIP, valid_s=600)
            over = site.order(3, MeterAction.TRIP, valid_s=20)
            await asyncio.sleep(45)
            result = site.last_result(question)
            assert (result.outcome, result.error) == (OrderOutcome.SILENT, "line_down")
            assert site.results_of(over) == ["expired"]
            assert site.results_of(trip) == []
            await site.gateway.start()
            await asyncio.sleep(MINUTE)
            assert site.results_of(trip) == ["sent", "done"]
            assert ten[2].is_open
            assert not ten[3].is_open

    run_virtually(story)


def test_a_meter_that_cannot_be_asked_is_reported_silent_and_blames_no_line() -> None:
    async def story() -> None:
        seven = meters(7)
        async with running_site(seven, models=dict.fromkeys(range(6), "no-such-model")) as site:
            await asyncio.sleep(4 * CYCLE)
            assert [status.is_up for status in site.sink.lines] == [True] * len(site.sink.lines)
            assert {status.meter for status in site.sink.meters if status.silent_since} == {
                meter.id for meter in site.plan.meters[:6]
            }
            assert set(site.digits_of(6)) == {1007}

    run_virtually(story)


def test_five_silent_meters_side_by_side_are_blamed_where_another_answers() -> None:
    async def story() -> None:
        hundred = meters(100)
        for meter in hundred[:5]:
            meter.fault = Fault.SILENT
        async with running_site(hundred) as site:
            await asyncio.sleep(3.5 * CYCLE)
            assert {one.meter for one in site.sink.readings} == {one.id for one in site.plan.meters[5:]}
            assert all(status.is_up for status in site.sink.lines)
            assert {status.meter for status in site.sink.meters} == {one.id for one in site.plan.meters[:5]}
            # Each of the others once a cycle, and one more as a witness: no cycle begins anew.
            assert len(site.sink.readings) <= 4 * 95 + 4

    run_virtually(story)


def test_one_silent_meter_that_is_ordered_again_and_again_takes_no_line_down() -> None:
    async def story() -> None:
        ten = meters(10)
        ten[3].fault = Fault.SILENT
        async with running_site(ten, has_relay=True) as site:
            await asyncio.sleep(MINUTE)
            orders = []
            for _ in range(8):
                orders.append(site.order(3, MeterAction.TRIP))
                await asyncio.sleep(20)
            assert [site.results_of(order) for order in orders] == [["silent"]] * 8
            assert all(status.is_up for status in site.sink.lines)

    run_virtually(story)


def test_a_gateway_that_hangs_is_let_go_and_connected_anew() -> None:
    async def story() -> None:
        ten = meters(10)
        async with running_site(ten) as site:
            await asyncio.sleep(MINUTE)
            for client in list(site.gateway.clients):
                # The connection stays open, and nothing passes on it any more.
                client.transport.pause_reading()
            await asyncio.sleep(CYCLE)
            assert site.gateway.connections == 2
            assert [status.is_up for status in site.sink.lines] == [True, False, True]
            assert len(site.sink.readings) >= 20
            assert site.sink.meters == []

    run_virtually(story)
