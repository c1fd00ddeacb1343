"""Real ports: TCP and a pseudo-terminal; one reader at a time."""

import asyncio
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from campusgate.demo.simulated_lines import simulated_gateway, simulated_port
from campusgate.demo.simulated_meters import SimulatedLine
from metering.frames.dlt645.orders import Credentials
from metering.lines.address import parse_address
from metering.lines.connection import LineInUseError, LineLostError, LineSpeedError, open_connection
from metering.lines.exchange import Exchange, Timing
from metering.lines.protocols.dlt645 import Dlt645
from tests.metering.lines.site import meters, plan_for

CAMPUS = ZoneInfo("Asia/Shanghai")
PROTOCOL = Dlt645(CAMPUS, Credentials())


def wire(count: int) -> SimulatedLine:
    return SimulatedLine(meters(count), zone=CAMPUS, now=lambda: datetime.now(UTC))


async def read_all(url: str, line: SimulatedLine) -> list[int]:
    exchange = Exchange(PROTOCOL.make_decoder(), bits_per_s=9600, timing=Timing())
    exchange.attach(await open_connection(parse_address(url), 9600, exchange.receive, exchange.lose))
    try:
        plan = plan_for(line.meters.values(), url)
        return [(await exchange.ask(PROTOCOL.read_registers(meter))).digits for meter in plan.meters]
    finally:
        exchange.close()


def test_meters_are_read_over_tcp_and_over_a_serial_port() -> None:
    async def story() -> None:
        line = wire(20)
        expected = [1000 + n for n in range(1, 21)]
        async with simulated_gateway(line) as gateway:
            assert await read_all(gateway.url, line) == expected
        async with simulated_port(line) as url:
            assert await read_all(url, line) == expected
            # And once more: the port was given back.
            assert await read_all(f"{url}?parity=N", line) == expected

    asyncio.run(story())


def test_a_second_reader_in_this_process_or_another_gets_no_connection() -> None:
    async def story() -> None:
        async with simulated_gateway(wire(1)) as gateway:
            address = parse_address(gateway.url)
            first = await open_connection(address, 9600, lambda _data: None, lambda: None)
            with pytest.raises(LineInUseError):
                await open_connection(address, 9600, lambda _data: None, lambda: None)
            code = (
                "import asyncio; from metering.lines.address import parse_address;"
                "from metering.lines.connection import open_connection;"
                f"asyncio.run(open_connection(parse_address({gateway.url!r}), 9600, print, print))"
            )
            second = await asyncio.to_thread(
                subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=False
            )
            assert "LineInUseError" in second.stderr
            assert gateway.most_clients == 1
            first.close()
            (await open_connection(address, 9600, lambda _data: None, lambda: None)).close()

    asyncio.run(story())


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:1", "serial:///dev/no-such-port", "serial:///dev/null"])
def test_what_cannot_be_opened_is_lost_and_free_again(url: str) -> None:
    async def story() -> None:
        for _ in range(2):
            with pytest.raises(LineLostError):
                await open_connection(parse_address(url), 9600, lambda _data: None, lambda: None)

    asyncio.run(story())


def test_a_serial_port_has_no_odd_speed() -> None:
    async def story() -> None:
        async with simulated_port(wire(1)) as url:
            with pytest.raises(LineSpeedError, match="2400"):
                await open_connection(parse_address(url), 1234, lambda _data: None, lambda: None)

    asyncio.run(story())


def test_a_serial_port_that_is_unplugged_is_lost() -> None:
    async def story() -> None:
        ours, theirs = pty.openpty()
        lost = asyncio.Event()
        url = f"serial://{os.ttyname(theirs)}"
        os.close(theirs)
        connection = await open_connection(parse_address(url), 9600, lambda _data: None, lost.set)
        os.close(ours)
        async with asyncio.timeout(10):
            await lost.wait()
        connection.close()

    asyncio.run(story())
