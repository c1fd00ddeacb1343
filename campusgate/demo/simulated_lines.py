"""Simulated meters behind a TCP port or a pseudo-terminal, as a gateway and a serial port show them."""

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import AsyncIterator, Callable
from typing import cast

from campusgate.demo.simulated_meters import SimulatedLine

_CHUNK = 4096


class _Deliverer:
    """Sends what a line says when its time has come."""

    def __init__(self, line: SimulatedLine, send: Callable[[bytes], None]) -> None:
        self._line, self._send = line, send
        self._loop = asyncio.get_running_loop()
        self._timers: set[asyncio.TimerHandle] = set()

    def receive(self, data: bytes) -> None:
        """Give the line what a reader sent."""
        now_s = self._loop.time()
        for at_s, answer in self._line.receive(data, now_s):
            if at_s <= now_s:
                self._send(answer)
            else:
                self._later(at_s, answer)

    def close(self) -> None:
        """Send nothing more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(self, at_s: float, answer: bytes) -> None:
        def send() -> None:
            self._timers.discard(timer)
            self._send(answer)

        timer = self._loop.call_at(at_s, send)
        self._timers.add(timer)


class _Client(asyncio.Protocol):
    def __init__(self, gateway: "SimulatedGateway") -> None:
        self._gateway = gateway

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._deliverer = _Deliverer(self._gateway.line, self.transport.write)
        self.data_received = self._deliverer.receive  # type: ignore[method-assign]  # a call less for each request
        self._gateway.clients.add(self)
        self._gateway.connections += 1
        self._gateway.most_clients = max(self._gateway.most_clients, len(self._gateway.clients))

    def connection_lost(self, _error: Exception | None) -> None:
        self._deliverer.close()
        self._gateway.clients.discard(self)


class SimulatedGateway:
    """One gateway on this machine; `clients` are connected now, `connections` were ever."""

    def __init__(self, line: SimulatedLine) -> None:
        self.line = line
        self.clients: set[_Client] = set()
        self.connections = 0
        self.most_clients = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The line's address."""
        return f"tcp://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), "127.0.0.1", port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more and drop every client, as a power cut does."""
        if self._server is None:
            return
        self._server.close()
        for client in list(self.clients):
            client.transport.abort()
        await self._server.wait_closed()
        self._server = None


@contextlib.asynccontextmanager
async def simulated_gateway(line: SimulatedLine) -> AsyncIterator[SimulatedGateway]:
    """Run a gateway for a while."""
    gateway = SimulatedGateway(line)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()


@contextlib.asynccontextmanager
async def simulated_port(line: SimulatedLine) -> AsyncIterator[str]:
    """Run a serial port for a while; the value is its address as a line."""
    ours, theirs = pty.openpty()
    loop = asyncio.get_running_loop()
    try:
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        deliverer = _Deliverer(line, lambda data: _write(ours, data))
        loop.add_reader(ours, lambda: deliverer.receive(_read(ours)))
        try:
            yield f"serial://{os.ttyname(theirs)}"
        finally:
            loop.remove_reader(ours)
            deliverer.close()
    finally:
        os.close(ours)
        os.close(theirs)


def _read(file: int) -> bytes:
    with contextlib.suppress(OSError):
        return os.read(file, _CHUNK)
    return b""


def _write(file: int, data: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(file, data)
