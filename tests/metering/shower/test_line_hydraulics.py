"""A CJ/T 188 valve and a pulse counter on Modbus, each a peer on a real socket."""

import asyncio
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest

from metering.frames.cjt188.frame import Decoder, Frame, Function, encode
from metering.lines.exchange import Timing
from metering.shower.line_hydraulics import LineHydraulics
from metering.shower.ports import HydraulicsError
from metering.shower.shower_file import ShowerFile
from metering.shower.signals import ValvePosition
from metering.vocabulary import Utility
from tests.ports import free_port
from tests.waiting import until

VALVE = "78330011223344"
_ZEROS = bytes(4)


class Peers:
    """A valve that obeys, and a counter of pulses."""

    def __init__(self) -> None:
        self.valve_port, self.counter_port = free_port(), free_port()
        self.is_open = False
        self.is_silent = False
        self.obeys = True
        self.pulses = 70_000
        self.ready = threading.Event()
        self.orders: list[int] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self.ready.wait(30)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        valve = await asyncio.start_server(self._speak, "127.0.0.1", self.valve_port)
        counter = await asyncio.start_server(self._count, "127.0.0.1", self.counter_port)
        self.ready.set()
        await self._stop.wait()
        valve.close()
        counter.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        while data := await reader.read(200):
            for asked in decoder.feed(data):
                if not self.is_silent:
                    writer.write(encode(self._answer(asked)))
        writer.close()

    def _answer(self, asked: Frame) -> Frame:
        if asked.control == Function.WRITE:
            self.orders.append(asked.data[3])
            if self.obeys:
                self.is_open = asked.data[3] == 0x55
            return Frame(asked.meter_type, asked.address, 0x84, asked.data[:3] + b"\0\0")
        status = b"\0\0" if self.is_open else b"\1\0"
        counters = _ZEROS + b"\x2c" + _ZEROS + b"\x2c"
        return Frame(asked.meter_type, asked.address, 0x81, asked.data[:3] + counters + bytes(7) + status)

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Modbus TCP, function 4: two registers."""
        while len(request := await reader.read(12)) == 12:
            body = bytes((request[6], 4, 4)) + self.pulses.to_bytes(4, "big")
            writer.write(request[:4] + len(body).to_bytes(2, "big") + body)
        writer.close()


@pytest.fixture
def peers() -> Iterator[Peers]:
    peers = Peers()
    yield peers
    peers.stop()


@pytest.fixture
def hydraulics(peers: Peers) -> Iterator[LineHydraulics]:
    file = ShowerFile.model_validate(
        {
            "device": str(UUID(int=4)),
            "valve": {"url": f"tcp://127.0.0.1:{peers.valve_port}", "address": VALVE, "model": "cjt188"},
            "meters": [
                {
                    "url": f"tcp://127.0.0.1:{peers.counter_port}?framing=mbap",
                    "protocol": "modbus",
                    "address": "3",
                    "model": "u32-0000-input",
                    "utility": "hot_water",
                    "pulses_per_m3": 450_000,
                }
            ],
        }
    )
    hydraulics = LineHydraulics(file, timing=Timing(answer_s=0.2, quiet_s=0.05, tries=1))
    hydraulics.start()
    yield hydraulics
    hydraulics.close()


def is_known(hydraulics: LineHydraulics) -> bool:
    try:
        return hydraulics.position() is not ValvePosition.UNKNOWN and bool(hydraulics.totals())
    except HydraulicsError:
        return False


def test_the_valve_follows_and_pulses_are_counted(peers: Peers, hydraulics: LineHydraulics) -> None:
    until(lambda: is_known(hydraulics))
    assert hydraulics.position() is ValvePosition.CLOSED
    hydraulics.move_valve(is_open=True)
    until(lambda: hydraulics.position() is ValvePosition.OPEN)
    peers.pulses += 45
    until(lambda: hydraulics.totals()[0].total == peers.pulses)
    (total,) = hydraulics.totals()
    assert (total.utility, total.pulses_per_m3, total.now) == (Utility.HOT_WATER, 450_000, None)


def test_an_acknowledged_order_that_moved_nothing_shows(peers: Peers, hydraulics: LineHydraulics) -> None:
    until(lambda: is_known(hydraulics))
    peers.obeys = False
    hydraulics.move_valve(is_open=True)
    assert hydraulics.position() is ValvePosition.UNKNOWN, "what it said before the order counts no more"
    until(lambda: hydraulics.position() is ValvePosition.CLOSED)
    assert peers.orders == [0x55]


def test_an_order_waits_for_a_valve_that_is_silent_and_nothing_else_is_believed_meanwhile(
    peers: Peers, hydraulics: LineHydraulics
) -> None:
    until(lambda: is_known(hydraulics))
    peers.is_silent = True
    hydraulics.move_valve(is_open=True)
    peers.pulses += 9
    until(lambda: hydraulics.totals()[0].total == peers.pulses)
    assert hydraulics.position() is ValvePosition.UNKNOWN
    peers.is_silent = False
    until(lambda: hydraulics.position() is ValvePosition.OPEN)
