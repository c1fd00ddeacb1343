"""A shower's valve and counter on lines, as its controller finds them: CJ/T 188 and Modbus behind two TCP ports."""

import asyncio
from collections.abc import Awaitable, Callable

from campusgate.demo.simulated_shower import SimulatedShower
from metering.frames.cjt188.frame import Decoder, Frame, Function, encode
from metering.frames.cjt188.models import MODELS
from metering.shower.signals import ValvePosition

VALVE_ADDRESS, COUNTER_ADDRESS = "78330011223344", "3"
_MODEL = MODELS["cjt188"]
_NO_COUNTER = bytes(4) + b"\x2c"
_NO_CLOCK = bytes(7)
_OPEN, _CLOSED = b"\x00\x00", b"\x01\x00"
_REQUEST_BYTES = 12
_READ_INPUTS = 4
_CHUNK = 4096

_Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer_valve(shower: SimulatedShower, asked: Frame) -> Frame:
    """Return the valve's answer: to A017 an acknowledgement, before it has moved; else where it is."""
    if asked.control == Function.WRITE:
        shower.move_valve(is_open=asked.data[3] == _MODEL.open_code)
        return Frame(asked.meter_type, asked.address, _MODEL.valve_answer, asked.data[:3] + _OPEN)
    status = _OPEN if shower.position() is ValvePosition.OPEN else _CLOSED
    counters = _NO_COUNTER + _NO_COUNTER + _NO_CLOCK
    return Frame(asked.meter_type, asked.address, asked.control | 0x80, asked.data[:3] + counters + status)


def answer_counter(shower: SimulatedShower, request: bytes) -> bytes:
    """Return the counter's answer to a Modbus TCP request: its pulses in two input registers."""
    body = bytes((request[6], _READ_INPUTS, 4)) + shower.pulses.to_bytes(4, "big")
    return request[:4] + len(body).to_bytes(2, "big") + body


class SimulatedWaterLines:
    """The two lines of one shower; used by one event loop."""

    def __init__(self, shower: SimulatedShower) -> None:
        self._shower = shower
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self.valve_url = self.counter_url = ""

    async def start(self) -> None:
        """Listen."""
        self.valve_url = await self._listen(self._speak_as_valve)
        self.counter_url = f"{await self._listen(self._speak_as_counter)}?framing=mbap"

    async def stop(self) -> None:
        """Listen no more, and hang up."""
        for server in self._servers:
            server.close()
        for writer in list(self._writers):
            writer.close()

    async def _listen(self, speak: _Speak) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            try:
                await speak(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                self._writers.discard(writer)
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        return f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _speak_as_valve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        while data := await reader.read(_CHUNK):
            for asked in decoder.feed(data):
                writer.write(encode(answer_valve(self._shower, asked)))

    async def _speak_as_counter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(answer_counter(self._shower, await reader.readexactly(_REQUEST_BYTES)))
