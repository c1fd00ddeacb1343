"""The reading process's parts beside a real HTTP server and real gateways: nothing is lost, oldest first."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from bus.backoff import Backoff
from campusgate.demo.simulated_lines import SimulatedGateway, simulated_gateway
from campusgate.demo.simulated_meters import SimulatedLine, SimulatedMeter
from metering.lines.collector import Collector
from metering.lines.delivery import Delivery, DeliveryTiming
from metering.lines.exchange import Timing
from metering.lines.orders import OrderTiming
from metering.lines.protocols.registry import ProtocolOptions
from metering.lines.reader import Reader
from metering.lines.server_client import ServerClient
from metering.lines.setting import LineTiming, Setting, TakenReading
from metering.lines.unsent import UnsentFile
from metering.reader_contract import MeterOrderOut, Plan, ReadingIn
from metering.vocabulary import MeterAction, ReadingSource, SupplyState
from tests.metering.lines.contract_server import TOKEN, ContractServer
from tests.metering.lines.site import meters, plan_for
from tests.served import served
from tests.waiting import PATIENCE_S

CAMPUS = ZoneInfo("Asia/Shanghai")
QUICK = LineTiming(
    exchange=Timing(answer_s=0.1, quiet_s=0.05), orders=OrderTiming(poll_s=0.05, follow_within_s=2.0), probe_s=0.2
)
DELIVERY = DeliveryTiming(plan_s=0.1, orders_wait_s=1.0, gather_s=0.05, known_orders_s=0.05)
BACKOFF = Backoff(first_s=0.05, longest_s=0.1, refused_s=0.2)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.01)


def now() -> datetime:
    return datetime.now(UTC)


def wire(simulated: list[SimulatedMeter]) -> SimulatedLine:
    return SimulatedLine(simulated, zone=CAMPUS, now=now)


def plan_of(*gateways: SimulatedGateway, cycle_s: int = 1, has_relay: bool = False) -> Plan:
    lines = tuple(plan_for(one.line.meters.values(), one.url, has_relay=has_relay, bits_per_s=9600) for one in gateways)
    return Plan(revision=str(uuid4()), cycle_s=cycle_s, lines=lines)


@dataclass
class Running:
    """A reader and its file."""

    reader: Reader
    collector: Collector
    file: UnsentFile


@contextlib.asynccontextmanager
async def running_reader(path: Path, url: str, *, token: str = TOKEN) -> AsyncIterator[Running]:
    """Run what `campusgate meters` runs, with shorter times."""
    file = UnsentFile(path)
    collector = Collector(file)
    setting = Setting(collector, CAMPUS, now, timing=QUICK, sets_clocks=False, frozen_days=file.frozen_days())
    reader = Reader(setting, ProtocolOptions(CAMPUS), start_within_s=0.0)
    client = ServerClient(url, token)
    if (plan := file.plan()) is not None:
        reader.follow(plan)
    delivery = Delivery(client, file, collector, reader, DELIVERY, backoff=BACKOFF)
    tasks = [asyncio.create_task(collector.run()), asyncio.create_task(delivery.run())]
    try:
        yield Running(reader, collector, file)
        assert not any(task.done() for task in tasks)
    finally:
        await reader.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()
        file.close()


def test_what_meters_show_reaches_the_server_once_and_in_order(tmp_path: Path) -> None:
    async def story() -> None:
        lines = [wire(meters(5)), wire(meters(5))]
        async with simulated_gateway(lines[0]) as one, simulated_gateway(lines[1]) as two:
            plan = plan_of(one, two)
            with served(ContractServer(plan)) as server:
                async with running_reader(tmp_path / "unsent.db", server.url) as running:
                    await until(lambda: len(server.readings) >= 30)
                    assert running.reader.plan == plan
                assert server.repeated == 0
                expected = {meter.id: int(meter.address) + 1000 for line in plan.lines for meter in line.meters}
                assert all(reading.digits == expected[reading.meter] for reading in server.readings)
                assert {reading.meter for reading in server.readings} == set(expected)
                for meter in expected:
                    times = [reading.at for reading in server.readings if reading.meter == meter]
                    assert times == sorted(times)
                assert {status.line for status in server.lines if status.is_up} == {line.id for line in plan.lines}

    asyncio.run(story())


def test_without_a_server_readings_wait_on_disk_over_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(3))) as gateway:
            plan = plan_of(gateway)
            with served(ContractServer(plan)) as server:
                async with running_reader(tmp_path / "unsent.db", server.url):
                    await until(lambda: server.readings)
                    server.failing = 503
                    before = len(server.readings)
                    await asyncio.sleep(1.5)
                # The plan is on disk as well: it reads although the server says nothing.
                async with running_reader(tmp_path / "unsent.db", server.url) as running:
                    waiting = running.file.count_readings()
                    assert waiting >= 3
                    await until(lambda: running.file.count_readings() >= waiting + 3)
                    assert len(server.readings) == before
                    server.failing = None
                    await until(lambda: running.file.count_readings() == 0)
                times = [reading.at for reading in server.readings]
                assert times == sorted(times)

    asyncio.run(story())


def test_an_answer_that_is_lost_only_makes_the_server_hear_twice(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(3))) as gateway:
            with served(ContractServer(plan_of(gateway))) as server:
                server.loses_answers = True
                async with running_reader(tmp_path / "unsent.db", server.url) as running:
                    await until(lambda: server.repeated >= 6)
                    assert running.file.count_readings() >= 3
                    server.loses_answers = False
                    await until(lambda: running.file.count_readings() == 0)
                    assert {one.meter for one in server.readings} == {meter.id for meter in server.plan.lines[0].meters}

    asyncio.run(story())


def test_a_reading_that_the_server_never_takes_holds_up_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(9))) as gateway:
            plan = plan_of(gateway)
            with served(ContractServer(plan)) as server:
                server.minds = plan.lines[0].meters[4].id
                async with running_reader(tmp_path / "unsent.db", server.url) as running:
                    await until(lambda: len(server.readings) >= 16)
                    await until(lambda: running.file.count_readings() == 0)
                assert {one.meter for one in server.readings} == {
                    meter.id for meter in plan.lines[0].meters if meter.id != server.minds
                }

    asyncio.run(story())


@pytest.mark.parametrize("status", [404, 409, 500, 413])
def test_what_answers_in_the_servers_place_loses_no_reading(tmp_path: Path, status: int) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(3))) as gateway:
            with served(ContractServer(plan_of(gateway, cycle_s=900))) as server:
                UnsentFile(tmp_path / "unsent.db").put_plan(server.plan)
                server.failing = status
                async with running_reader(tmp_path / "unsent.db", server.url) as running:
                    await until(lambda: running.file.count_readings() == 3 and server.refused >= 3)
                    server.failing = None
                    await until(lambda: running.file.count_readings() == 0)
                    assert {one.meter for one in server.readings} == {one.id for one in server.plan.lines[0].meters}

    asyncio.run(story())


def test_with_a_full_disk_a_new_plan_is_followed(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(1))) as one, simulated_gateway(wire(meters(2))) as two:
            with served(ContractServer(plan_of(one))) as server:
                async with running_reader(tmp_path / "unsent.db", server.url) as running:
                    await until(lambda: server.readings)
                    running.file._connection.execute("PRAGMA query_only = 1")
                    server.plan = plan_of(two)
                    await until(lambda: running.reader.plan == server.plan and two.clients)

    asyncio.run(story())


def test_a_device_that_the_server_refuses_keeps_its_readings(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(2))) as gateway:
            with served(ContractServer(plan_of(gateway))) as server:
                UnsentFile(tmp_path / "unsent.db").put_plan(server.plan)
                async with running_reader(tmp_path / "unsent.db", server.url, token="another") as running:
                    await until(lambda: running.file.count_readings() >= 2)
                    assert server.readings == []

    asyncio.run(story())


def test_an_order_is_carried_out_and_its_results_arrive(tmp_path: Path) -> None:
    async def story() -> None:
        line = wire(meters(4))
        async with simulated_gateway(line) as gateway:
            plan = plan_of(gateway, cycle_s=900, has_relay=True)
            with served(ContractServer(plan)) as server:
                async with running_reader(tmp_path / "unsent.db", server.url):
                    await until(lambda: len(server.readings) == 4)
                    meter = plan.lines[0].meters[2]
                    order = MeterOrderOut(
                        id=uuid4(), meter=meter.id, action=MeterAction.TRIP, expires_at=now() + timedelta(minutes=5)
                    )
                    server.give(order)
                    await until(lambda: "done" in server.outcomes_of(order.id))
                    assert server.outcomes_of(order.id) == ["sent", "done"]
                    assert line.meters[meter.address].is_open
                    assert len(line.meters[meter.address].orders) == 1
                    await until(lambda: server.meters[-1].supply is SupplyState.OFF)
                    await until(lambda: server.readings[-1].source is ReadingSource.REQUESTED)

    asyncio.run(story())


def test_an_order_for_a_meter_that_was_just_mounted_waits_for_the_plan_and_one_for_none_is_refused(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(2))) as one, simulated_gateway(wire(meters(1))) as two:
            old = plan_of(one, cycle_s=900)
            new = old.model_copy(update={"revision": "new", "lines": (*old.lines, *plan_of(two).lines)})
            with served(ContractServer(old)) as server:
                async with running_reader(tmp_path / "unsent.db", server.url):
                    await until(lambda: len(server.readings) == 2)
                    server.plan = new
                    expires_at = now() + timedelta(minutes=5)
                    known, unknown = (
                        MeterOrderOut(id=uuid4(), meter=meter, action=MeterAction.READ, expires_at=expires_at)
                        for meter in (new.lines[1].meters[0].id, uuid4())
                    )
                    server.give(known)
                    server.give(unknown)
                    await until(lambda: len(server.results) == 2)
                    assert server.outcomes_of(known.id) == ["done"]
                    assert server.outcomes_of(unknown.id) == ["refused"]

    asyncio.run(story())


def test_lines_follow_the_plan(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(2))) as one, simulated_gateway(wire(meters(3))) as two:
            first = plan_of(one)
            with served(ContractServer(first)) as server:
                async with running_reader(tmp_path / "unsent.db", server.url):
                    await until(lambda: len(one.clients) == 1)
                    server.plan = plan_of(two)
                    await until(lambda: len(two.clients) == 1 and not one.clients)
                    (line,) = server.plan.lines
                    # A meter less, on the same line: the connection stays.
                    fewer = line.model_copy(update={"meters": line.meters[:1]})
                    server.plan = server.plan.model_copy(update={"revision": "fewer", "lines": (fewer,)})
                    fetched = server.plans_fetched
                    await until(lambda: server.plans_fetched >= fetched + 2)
                    since = now()
                    await until(lambda: [one for one in server.readings if one.at > since])
                    assert {one.meter for one in server.readings if one.at > since} == {line.meters[0].id}
                    assert two.connections == 1

    asyncio.run(story())


def test_a_gateway_that_stands_in_the_plan_twice_has_one_reader(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(2))) as gateway:
            plan = plan_of(gateway, gateway)
            with served(ContractServer(plan)) as server:
                async with running_reader(tmp_path / "unsent.db", server.url):
                    await until(lambda: {status.is_up for status in server.lines} == {True, False})
                    await until(lambda: server.readings)
                    assert gateway.most_clients == 1

    asyncio.run(story())


def test_a_line_whose_address_is_none_is_down_and_the_others_are_read(tmp_path: Path) -> None:
    async def story() -> None:
        async with simulated_gateway(wire(meters(2))) as gateway:
            plan = plan_of(gateway)
            wrong = plan.lines[0].model_copy(update={"id": uuid4(), "url": "10.0.0.1"})
            with served(ContractServer(plan.model_copy(update={"lines": (wrong, *plan.lines)}))) as server:
                async with running_reader(tmp_path / "unsent.db", server.url):
                    await until(lambda: len(server.readings) >= 2)
                    await until(lambda: len(server.lines) >= 2)
                    assert {status.line: status.is_up for status in server.lines} == {
                        wrong.id: False,
                        plan.lines[0].id: True,
                    }

    asyncio.run(story())


def reading(n: int) -> TakenReading:
    at = datetime(2026, 11, 27, tzinfo=UTC) + timedelta(microseconds=n)
    return TakenReading(uuid4(), f"S{n}" * 20, at, n, ReadingSource.FROZEN, (n, 0, 3))


def test_readings_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    file = UnsentFile(tmp_path / "unsent.db")
    readings = [reading(n) for n in range(10)]
    file.put_readings(readings)
    expected = [ReadingIn(**one._asdict()) for one in readings]
    assert [one for _, one in file.first_readings(100)] == expected
    numbers = [number for number, _ in file.first_readings(4)]
    file.remove_readings(numbers)
    file.close()
    again = UnsentFile(tmp_path / "unsent.db")
    assert [one for _, one in again.first_readings(100)] == expected[4:]
    again.close()


def test_with_a_full_disk_readings_wait_in_memory(tmp_path: Path) -> None:
    async def story() -> None:
        file = UnsentFile(tmp_path / "unsent.db")
        pages = file._connection.execute("PRAGMA page_count").fetchone()[0]
        file._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        collector = Collector(file)
        for n in range(300):
            collector.take_reading(reading(n))
        with pytest.raises(sqlite3.OperationalError):
            file.put_readings([reading(n) for n in range(300)])
        await collector.write()
        assert file.count_readings() == 0
        file._connection.execute("PRAGMA max_page_count = 100000")
        collector.take_reading(reading(300))
        await collector.write()
        assert [one.digits for _, one in file.first_readings(1000)] == list(range(301))
        file.close()

    asyncio.run(story())
