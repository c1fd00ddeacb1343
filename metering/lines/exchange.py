"""One question at a time on one line: an answer counts only if it fits the question, all else is dropped."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from metering.lines.connection import Connection, LineLostError

Value = TypeVar("Value")

BITS_PER_BYTE = 11
"""8E1: a start bit, eight data bits, parity, a stop bit."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a line is waited for.

    `answer_s` is what a meter may take (500 ms) and a gateway adds; the time on the wire comes on top. After a time-out
    the line is quiet for `quiet_s`, so that a late answer is over before the next question.
    """

    answer_s: float = 0.6
    quiet_s: float = 0.5
    longest_quiet_s: float = 5.0
    tries: int = 2

    def time_out_s(self, request: "Request[Any]", bits_per_s: int) -> float:
        """Return how long an answer to `request` is waited for."""
        return self.answer_s + (len(request.payload) + request.answer_bytes) * BITS_PER_BYTE / bits_per_s


@dataclass(frozen=True, slots=True)
class Request(Generic[Value]):
    """One question. `read_answer` returns the value of a frame that answers it, and None for every other frame.

    `read_answer` raises `MeterRefusedError` for the meter's own "no", `UnreadableError` for an answer without a value.
    `answer_bytes` is how long an answer is on the wire; 0: nobody answers, as after a broadcast.
    """

    payload: bytes
    answer_bytes: int
    read_answer: Callable[[Any], Value | None]


class Decoder(Protocol):
    """Finds frames in a stream of bytes."""

    def feed(self, data: bytes) -> Iterable[Any]:
        """Return the frames that are complete with `data`; noise is skipped."""

    def clear(self) -> None:
        """Forget what has begun."""


class SilentError(Exception):
    """No answer that fits, after all tries."""


class MeterRefusedError(Exception):
    """The meter answered that it does not; the text is a code."""


class UnreadableError(Exception):
    """The meter answered, and the answer has no value that could be used."""


class Exchange:
    """Asks over an open connection. `receive` and `lose` are given to whoever opens it."""

    def __init__(self, decoder: Decoder, *, bits_per_s: int, timing: Timing, extra_wait_s: float = 0.0) -> None:
        self._decoder = decoder
        self._bits_per_s = bits_per_s
        self._timing, self._extra_wait_s = timing, extra_wait_s
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._request: Request[Any] | None = None
        self._waiter: asyncio.Future[Any] | None = None
        self._heard_s = 0.0
        self._deadline_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.dropped = 0
        """Frames that were whole and no answer to what was asked: late, another's, an echo."""

    def attach(self, connection: Connection) -> None:
        """Use `connection` from now on."""
        self._connection = connection
        self._decoder.clear()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self.lose()

    def lose(self) -> None:
        """Take the connection for lost; whoever waits is told."""
        self._connection = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(LineLostError("the connection is gone"))

    def receive(self, data: bytes) -> None:
        """Take bytes from the line."""
        request, waiter = self._request, self._waiter
        if request is None or waiter is None or waiter.done():
            # Nobody asked, or not any more. It is not kept: the next answer shall not be looked for behind it.
            self._heard_s = self._loop.time()
            return
        for frame in self._decoder.feed(data):
            try:
                value = request.read_answer(frame)
            except (MeterRefusedError, UnreadableError) as error:
                waiter.set_exception(error)
                return
            if value is not None:
                waiter.set_result(value)
                return
            self.dropped += 1

    async def ask(self, request: Request[Value], *, may_send: Callable[[], bool] = lambda: True) -> Value:
        """Send `request` and return its answer; `may_send` is asked before each try.

        Raises:
            SilentError: no answer that fits, after all tries, or it may not be sent any more.
            MeterRefusedError, UnreadableError: what the meter answered.
            LineLostError: there is no connection, or it broke.
        """
        unreadable: UnreadableError | None = None
        for _ in range(self._timing.tries):
            if not may_send():
                break
            try:
                return await self._try(request)
            except TimeoutError:
                await self._wait_for_quiet()
            except UnreadableError as error:
                unreadable = error
        if unreadable is not None:
            raise unreadable
        raise SilentError

    async def tell(self, request: Request[None]) -> None:
        """Send what nobody answers, and leave the line the time it takes.

        Raises:
            LineLostError: there is no connection.
        """
        self._require_connection().write(request.payload)
        await asyncio.sleep(len(request.payload) * BITS_PER_BYTE / self._bits_per_s + self._timing.quiet_s)

    async def _try(self, request: Request[Value]) -> Value:
        connection = self._require_connection()
        self._decoder.clear()
        waiter: asyncio.Future[Value] = self._loop.create_future()
        self._request, self._waiter = request, waiter
        wait_s = self._timing.time_out_s(request, self._bits_per_s) + self._extra_wait_s
        self._deadline_s = self._loop.time() + wait_s
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline_s, self._time_out)
        try:
            connection.write(request.payload)
            return await waiter
        finally:
            self._request = self._waiter = None

    def _time_out(self) -> None:
        """End the wait whose time is over; one timer serves many questions, most of which are answered long before."""
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline_s:
            self._timer = self._loop.call_at(self._deadline_s, self._time_out)
        else:
            self._waiter.set_exception(TimeoutError())

    async def _wait_for_quiet(self) -> None:
        """Wait until nothing came for `quiet_s`; a gateway that is still sending then is hung up on."""
        began_s = self._loop.time()
        quiet_from_s = began_s
        while (left_s := quiet_from_s + self._timing.quiet_s - self._loop.time()) > 0:
            if self._loop.time() - began_s >= self._timing.longest_quiet_s:
                self.close()
                raise LineLostError("the line is never quiet")
            await asyncio.sleep(left_s)
            quiet_from_s = max(quiet_from_s, self._heard_s)
        self._decoder.clear()

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise LineLostError("there is no connection")
        return self._connection
