"""Lines of simulated meters for a benchmark, in a process of their own: as fast as can be, or at a line's speed."""

import asyncio
import multiprocessing
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Final
from zoneinfo import ZoneInfo

from campusgate.demo.simulated_lines import SimulatedGateway
from campusgate.demo.simulated_meters import Fault, SimulatedLine, SimulatedMeter
from metering.frames.dlt645 import numbers, requests
from metering.frames.dlt645.frame import encode
from tests.doubles.processes import quiet

CAMPUS: Final = ZoneInfo("Asia/Shanghai")
_LONGEST_REQUEST: Final = 64
SPAWN: Final = multiprocessing.get_context("spawn")
"""Each process begins with nothing: its memory is its own."""


@dataclass(frozen=True, slots=True)
class Wire:
    """What to simulate. With `bits_per_s` 0 an answer takes no time; every `silent_every`th meter is silent."""

    lines: int
    meters: int
    bits_per_s: int = 0
    answers_after_s: float = 0.0
    silent_every: int = 0

    @property
    def total(self) -> int:
        """All meters."""
        return self.lines * self.meters

    @property
    def answering(self) -> int:
        """Those that answer."""
        return self.total - (self.total // self.silent_every if self.silent_every else 0)


def number_of(line: int, meter: int, wire: Wire) -> int:
    """Return the number of a meter: its address and its digits."""
    return line * wire.meters + meter


def address_of(number: int) -> str:
    """Return the address of the meter with that number."""
    return f"{number:012d}"


@contextmanager
def running_wire(wire: Wire) -> Iterator[list[int]]:
    """Run the lines; the value is their ports."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_simulate, args=(wire, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def _simulate(wire: Wire, pipe: "Connection[list[int], None]") -> None:
    quiet()
    if wire.bits_per_s:
        asyncio.run(_serve(wire, pipe))
    else:
        _serve_prepared(wire, pipe)


async def _serve(wire: Wire, pipe: "Connection[list[int], None]") -> None:
    gateways = [SimulatedGateway(_line(number, wire)) for number in range(wire.lines)]
    for gateway in gateways:
        await gateway.start()
    pipe.send([gateway.port for gateway in gateways])
    await asyncio.Event().wait()


def _serve_prepared(wire: Wire, pipe: "Connection[list[int], None]") -> None:
    """Answer from tables and without an event loop, so that what is measured is whoever asks."""
    answers = {socket.create_server(("127.0.0.1", 0)): _prepare(_line(number, wire)) for number in range(wire.lines)}
    listeners = {listener.fileno(): listener for listener in answers}
    clients: dict[int, tuple[socket.socket, dict[bytes, bytes]]] = {}
    ready = select.epoll()
    for number in listeners:
        ready.register(number, select.EPOLLIN)
    pipe.send([listener.getsockname()[1] for listener in answers])
    while True:
        for number, _ in ready.poll():
            if number in listeners:
                client, _address = listeners[number].accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[client.fileno()] = client, answers[listeners[number]]
                ready.register(client.fileno(), select.EPOLLIN)
                continue
            client, prepared = clients[number]
            request = client.recv(_LONGEST_REQUEST)
            if request:
                client.send(prepared[request])
            else:
                ready.unregister(number)
                clients.pop(number)[0].close()


def _prepare(line: SimulatedLine) -> dict[bytes, bytes]:
    answers = {}
    for address in line.meters:
        request = encode(requests.read(address, numbers.FORWARD_ENERGY), preamble=4)
        ((_, answers[request]),) = line.receive(request, 0.0)
    return answers


def _line(number: int, wire: Wire) -> SimulatedLine:
    meters = []
    for place in range(wire.meters):
        of_all = number_of(number, place, wire)
        # Spread over the line: in reality silent meters do not stand side by side either.
        is_silent = wire.silent_every and of_all % wire.silent_every == wire.silent_every // 2
        meters.append(SimulatedMeter(address_of(of_all), digits=of_all, fault=Fault.SILENT if is_silent else None))
    return SimulatedLine(
        meters,
        zone=CAMPUS,
        now=lambda: datetime.now(UTC),
        bits_per_s=wire.bits_per_s,
        answers_after_s=wire.answers_after_s,
    )
