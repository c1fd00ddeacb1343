"""What reads simulated lines in a benchmark as fast as it can: our lines, and `dlt645`'s asyncio client."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection
from typing import Any, Final, Protocol
from uuid import UUID

from benchmarks.metering_wire import CAMPUS, SPAWN, Wire, address_of, number_of
from metering.frames.dlt645.numbers import FORWARD_ENERGY
from metering.lines.address import parse_address
from metering.lines.line import Line
from metering.lines.protocols.registry import PROTOCOLS, ProtocolOptions
from metering.lines.setting import Setting, TakenReading
from metering.reader_contract import LinePlan, LineStatus, MeterPlan, MeterStatus, OrderResult, Plan
from metering.reader_contract import Protocol as LineProtocol
from tests.doubles.processes import quiet

_LOOK_S: Final = 0.002
_LONGEST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Round:
    """All meters read once."""

    seconds: float
    cpu_s: float


class ReaderProcess:
    """A reader in a process of its own, which reads all meters whenever it is asked to."""

    def __init__(self, make: Callable[[Wire, Sequence[int]], "Rounds"], wire: Wire, ports: Sequence[int]) -> None:
        """Start it; it opens its connections and reads all meters once."""
        self._pipe, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve_rounds, args=(theirs, make, wire, ports), daemon=True)
        self._process.start()
        theirs.close()

    def read(self) -> Round:
        """Return what reading all meters once took."""
        self._pipe.send(None)
        found: Round = self._pipe.recv()
        return found

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()


class Rounds(Protocol):
    """Reads all meters, again and again."""

    async def begin(self) -> None:
        """Open the connections."""

    async def read(self) -> None:
        """Read all meters once."""


def _serve_rounds(
    pipe: "Connection[Round, None]", make: Callable[[Wire, Sequence[int]], Rounds], wire: Wire, ports: Sequence[int]
) -> None:
    quiet()

    async def serve() -> None:
        rounds = make(wire, ports)
        await rounds.begin()
        await rounds.read()
        while True:
            # Nothing else happens here while nobody asks.
            pipe.recv()
            began_s, cpu_s = time.perf_counter(), time.process_time()
            await rounds.read()
            pipe.send(Round(time.perf_counter() - began_s, time.process_time() - cpu_s))

    asyncio.run(serve())


def plan_for(wire: Wire, ports: Sequence[int], model: str = "dlt645-2007") -> Plan:
    """Return the plan of these lines, with meters of one model."""
    lines = []
    for line, port in enumerate(ports):
        numbers = [number_of(line, place, wire) for place in range(wire.meters)]
        meters = tuple(
            MeterPlan(id=UUID(int=number + 1), address=address_of(number), serial=str(number), model=model)
            for number in numbers
        )
        lines.append(
            LinePlan(
                id=UUID(int=1_000_000 + line),
                name=f"line-{line}",
                url=f"tcp://127.0.0.1:{port}",
                protocol=LineProtocol.DLT645,
                bits_per_s=wire.bits_per_s or 115_200,
                meters=meters,
            )
        )
    return Plan(revision="1", lines=tuple(lines))


def _known(plan: Plan) -> dict[UUID, date]:
    """Return that no frozen reading is wanted: only the energy is measured."""
    return {meter.id: date.max for line in plan.lines for meter in line.meters}


class _Counter:
    """A sink that checks and counts."""

    def __init__(self) -> None:
        self.count = 0

    def take_reading(self, reading: TakenReading) -> None:
        if reading.digits != reading.meter.int - 1:
            raise AssertionError(f"meter {reading.meter} was read as {reading.digits}")
        self.count += 1

    def take_result(self, order: UUID, result: OrderResult) -> None:
        pass

    def take_line_status(self, status: LineStatus) -> None:
        pass

    def take_meter_status(self, status: MeterStatus) -> None:
        pass

    def take_frozen(self, meter: UUID, day: date) -> None:
        pass


class OurRounds:
    """With our lines, as the reading process runs them."""

    def __init__(self, wire: Wire, ports: Sequence[int]) -> None:
        self._wire, self._plan, self._counter = wire, plan_for(wire, ports), _Counter()

    async def begin(self) -> None:
        """Begin the lines; they read once by themselves."""
        setting = Setting(
            self._counter, CAMPUS, lambda: datetime.now(UTC), sets_clocks=False, frozen_days=_known(self._plan)
        )
        self._lines = [
            Line(line, PROTOCOLS[line.protocol](parse_address(line.url), ProtocolOptions(CAMPUS)), setting)
            for line in self._plan.lines
        ]
        self._tasks = [asyncio.create_task(line.run()) for line in self._lines]
        await self._wait()

    async def read(self) -> None:
        """Read all meters once."""
        for line in self._lines:
            line.begin_cycle()
        await self._wait()

    async def _wait(self) -> None:
        async with asyncio.timeout(_LONGEST_S):
            while self._counter.count < self._wire.total:  # noqa: ASYNC110 - an event would be measured too
                await asyncio.sleep(_LOOK_S)
        self._counter.count = 0


class PeerRounds:
    """With `dlt645`'s asyncio client, frames and digits, a task a line."""

    def __init__(self, wire: Wire, ports: Sequence[int]) -> None:
        from dlt645.transport.client.async_tcp_client import AsyncTcpClient

        self._wire = wire
        self._clients = [AsyncTcpClient("127.0.0.1", port, timeout=5.0) for port in ports]

    async def begin(self) -> None:
        """Open the connections."""
        for client in self._clients:
            await client.connect()

    async def read(self) -> None:
        """Read all meters once."""
        await asyncio.gather(*(self._read_line(line, client) for line, client in enumerate(self._clients)))

    async def _read_line(self, line: int, client: Any) -> None:
        from dlt645.common.transform import bcd_to_value
        from dlt645.protocol.protocol import DLT645Protocol

        item = FORWARD_ENERGY.to_bytes(4, "little")
        for place in range(self._wire.meters):
            number = number_of(line, place, self._wire)
            # It puts an address on the wire as given.
            address = bytes.fromhex(address_of(number))[::-1]
            raw = await client.send_request(bytes(DLT645Protocol.build_frame(address, 0x11, item)))
            frame = DLT645Protocol.deserialize(raw)
            kwh = bcd_to_value(bytearray(frame.data[4:8]), "XXXXXX.XX", endian="little")
            if frame.addr != address or round(kwh * 100) != number:
                raise AssertionError(f"meter {number} was read as {kwh}")
