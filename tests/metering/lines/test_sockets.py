"""CJ/T 188 and Modbus over real sockets: pymodbus's server, and a valve that answers as public frames do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pymodbus import FramerType
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

from metering.frames.cjt188.frame import Decoder, Frame, Function, encode
from metering.lines.address import parse_address
from metering.lines.line import Line
from metering.lines.protocols.registry import PROTOCOLS, ProtocolOptions
from metering.lines.setting import Setting
from metering.reader_contract import LinePlan, MeterOrderOut, MeterPlan, OrderOutcome, Protocol
from metering.vocabulary import MeterAction, SupplyState
from tests.metering.lines.site import CAMPUS, KeptSink
from tests.metering.lines.test_reader import QUICK, now, until

VALVE = "78330011223344"


class ValveMeter(asyncio.Protocol):
    """A water meter with a valve on a line that echoes; before each answer comes the one before, late."""

    def __init__(self) -> None:
        self.decoder, self.is_closed, self.asked = Decoder(), False, 0

    def connection_made(self, transport) -> None:
        self.transport, self.before = transport, b""

    def data_received(self, data: bytes) -> None:
        for request in self.decoder.feed(data):
            if request.address != VALVE or request.control & 0x80:
                continue
            self.asked += 1
            answer = encode(self._answer(request), preamble=2)
            # This one's answer comes in two pieces.
            self.transport.write(data + self.before + answer[:9])
            asyncio.get_running_loop().call_later(0.01, self.transport.write, answer[9:])
            self.before = answer

    def _answer(self, request: Frame) -> Frame:
        head = bytes((request.data[1], request.data[0], request.data[2]))
        if request.control == Function.WRITE:
            self.is_closed = request.data[3] == 0x99
            return Frame(request.meter_type, VALVE, 0x84, head + bytes((self.is_closed, 0)))
        counters = bytes.fromhex(f"{self.asked % 100:02d}6655002C 000000002C")
        data = counters + bytes(7) + bytes((self.is_closed, 0))
        return Frame(request.meter_type, VALVE, 0x81, head + data)


@contextlib.asynccontextmanager
async def reading(url: str, protocol: Protocol, meters: list[tuple[str, str]]) -> AsyncIterator[tuple[Line, KeptSink]]:
    planned = tuple(
        MeterPlan(
            id=uuid4(), address=address, serial=f"{address} {model}", model=model, has_relay=protocol is Protocol.CJT188
        )
        for address, model in meters
    )
    plan = LinePlan(id=uuid4(), name="pumps", url=url, protocol=protocol, bits_per_s=9600, meters=planned)
    sink = KeptSink()
    spoken = PROTOCOLS[protocol](parse_address(url), ProtocolOptions(CAMPUS))
    line = Line(plan, spoken, Setting(sink, CAMPUS, now, cycle_s=1.0, timing=QUICK, sets_clocks=False))
    task = asyncio.create_task(line.run())
    try:
        yield line, sink
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_water_meters_counter_and_valve_are_read_and_its_valve_is_closed() -> None:
    async def story() -> None:
        meter = ValveMeter()
        server = await asyncio.get_running_loop().create_server(lambda: meter, "127.0.0.1", 0)
        url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with reading(url, Protocol.CJT188, [(VALVE, "cjt188")]) as (line, sink):
            await until(lambda: len(sink.readings) >= 3 and sink.meters)
            assert sink.meters[0].supply is SupplyState.ON
            # Each is the answer to its own question: none is the one before, which comes first each time.
            shown = [one.digits % 100 for one in sink.readings[:3]]
            assert shown == sorted(set(shown))
            assert all(one.digits // 100 == 5566 for one in sink.readings)
            until_2099 = now().replace(year=2099)
            wanted = sink.readings[0].meter
            line.give(MeterOrderOut(id=uuid4(), meter=wanted, action=MeterAction.TRIP, expires_at=until_2099))
            await until(lambda: sink.results and sink.results[-1][1].outcome is OrderOutcome.DONE)
            assert meter.is_closed
            assert sink.results[-1][1].supply is SupplyState.OFF
        server.close()

    asyncio.run(story())


@pytest.mark.parametrize(("framer", "framing"), [(FramerType.RTU, "rtu"), (FramerType.SOCKET, "mbap")])
def test_modbus_meters_behind_pymodbuss_server_are_read(framer: FramerType, framing: str) -> None:
    async def story() -> None:
        # 12345678 hundredths, high word first; the block counts from 1.
        held = ModbusDeviceContext(hr=ModbusSequentialDataBlock(0x0157, [12345678 >> 16, 12345678 & 0xFFFF]))
        context = ModbusServerContext(devices={7: held}, single=False)
        server = ModbusTcpServer(context, framer=framer, address=("127.0.0.1", 0), ignore_missing_devices=True)
        await server.listen()
        port = server.transport.sockets[0].getsockname()[1]
        wanted = [("7", "u32-0156"), ("8", "u32-0156"), ("7", "u32-0500")]
        async with reading(f"tcp://127.0.0.1:{port}?framing={framing}", Protocol.MODBUS, wanted) as (_, sink):
            await until(lambda: len(sink.readings) >= 2)
            # Unit 8 is silent and register 0500H is refused: neither has a reading.
            assert {(one.serial, one.digits) for one in sink.readings} == {("7 u32-0156", 12345678)}
        await server.shutdown()

    asyncio.run(story())
