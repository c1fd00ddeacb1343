"""An order to one meter, from the request to what its relay then shows.

A meter's acknowledgement is no execution: after it the status is asked for until the relay is as ordered. What is over
its time is never sent, and a silence is asked about too, because the order may have arrived. When the line breaks, the
order is told again: a relay that is told twice does the same.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar
from uuid import UUID

from metering.lines.exchange import MeterRefusedError, Request, SilentError, UnreadableError
from metering.lines.protocol import MeterError, MeterProtocol, Registers, Status
from metering.lines.work_queue import Priority, WorkQueue
from metering.reader_contract import MeterOrderOut, MeterPlan, OrderOutcome, OrderResult
from metering.vocabulary import MeterAction, SupplyState

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""A clock that is further off after it was set did not follow; to ask for it takes a second or two."""
_REMEMBERED: Final = 1_000
"""The server gives an order again until it has its result, which takes seconds."""

Value = TypeVar("Value")
Work = Callable[[], Awaitable[None]]
Report = Callable[[UUID, OrderResult], None]


@dataclass(frozen=True, slots=True)
class OrderTiming:
    """How long a relay is waited for. A breaker with a motor takes some 10 s to close."""

    poll_s: float = 1.0
    follow_within_s: float = 30.0


class OrderLine(Protocol):
    """What an order needs of its line."""

    async def ask(self, meter: MeterPlan, request: Request[Value], may_send: Callable[[], bool] = ...) -> Value:
        """Ask, and note whether the meter answered."""

    async def tell(self, request: Request[None]) -> None:
        """Send what nobody answers."""

    def take_requested(self, meter: MeterPlan, registers: Registers) -> None:
        """Pass on a reading that was asked for."""

    def take_status(self, meter: MeterPlan, status: Status) -> None:
        """Pass on what a relay shows."""


@dataclass(slots=True)
class _Sent:
    """An order whose relay is watched until `until_s`."""

    order: MeterOrderOut
    meter: MeterPlan
    until_s: float
    is_acknowledged: bool
    status: Status | None = None


class Orders:
    """The orders of one line; `report` gets `sent` when the meter acknowledged, and then the last result."""

    def __init__(
        self,
        line: OrderLine,
        queue: WorkQueue[Work],
        protocol: MeterProtocol,
        report: Report,
        *,
        now: Callable[[], datetime],
        timing: OrderTiming,
    ) -> None:
        self._line, self._queue, self._protocol = line, queue, protocol
        self._report_to, self._now, self._timing = report, now, timing
        self._waiting: dict[UUID, MeterOrderOut] = {}
        self._ended: deque[UUID] = deque(maxlen=_REMEMBERED)

    def give(self, order: MeterOrderOut, meter: MeterPlan) -> bool:
        """Put an order into the queue; return False where it was given before."""
        if order.id in self._waiting or order.id in self._ended:
            return False
        self._waiting[order.id] = order
        return self._queue.put(order.id, _priority(order), partial(self._carry_out, order, meter))

    def end_what_cannot_wait(self) -> None:
        """While the line is down: questions are answered, and orders that are over their time end."""
        for order in list(self._waiting.values()):
            if order.id not in self._queue:
                continue
            if self._is_over(order):
                self._queue.discard(order.id)
                self._end(order, OrderOutcome.EXPIRED)
            elif order.action is MeterAction.READ:
                self._queue.discard(order.id)
                self._end(order, OrderOutcome.SILENT, error="line_down")

    async def _carry_out(self, order: MeterOrderOut, meter: MeterPlan) -> None:
        if self._is_over(order):
            self._end(order, OrderOutcome.EXPIRED)
            return
        try:
            if order.action is MeterAction.READ:
                await self._read(order, meter)
            elif order.action is MeterAction.SET_CLOCK:
                await self._set_clock(order, meter)
            else:
                await self._send(order, meter)
        except SilentError:
            self._end(order, OrderOutcome.EXPIRED if self._is_over(order) else OrderOutcome.SILENT)
        except UnreadableError as error:
            self._end(order, OrderOutcome.REFUSED, error=f"unreadable: {error}")
        except (MeterRefusedError, MeterError) as error:
            self._end(order, OrderOutcome.REFUSED, error=str(error))

    async def _read(self, order: MeterOrderOut, meter: MeterPlan) -> None:
        registers = await self._line.ask(meter, self._protocol.read_registers(meter))
        self._line.take_requested(meter, registers)
        status = None
        with contextlib.suppress(SilentError):
            status = await self._ask_status(meter) if meter.has_relay else None
        self._end(order, OrderOutcome.DONE, status=status, digits=registers.digits)

    async def _set_clock(self, order: MeterOrderOut, meter: MeterPlan) -> None:
        tell, read = self._protocol.set_clocks(meter, self._now()), self._protocol.read_clock(meter, self._now())
        if tell is None or read is None:
            self._end(order, OrderOutcome.REFUSED, error="not_supported")
            return
        await self._line.tell(tell)
        shown = await self._line.ask(meter, read)
        has_followed = abs(shown - self._now()) <= CLOCK_TOLERANCE
        outcome = OrderOutcome.DONE if has_followed else OrderOutcome.REFUSED
        self._end(order, outcome, error=None if has_followed else "clock_not_set")

    async def _send(self, order: MeterOrderOut, meter: MeterPlan) -> None:
        request = self._protocol.order(meter, order.action, order.expires_at)
        if request is None:
            self._end(order, OrderOutcome.REFUSED, error="not_supported")
            return
        is_acknowledged = False
        # A silence is no "no": the order may have arrived, and the relay says.
        with contextlib.suppress(UnreadableError, SilentError):
            is_acknowledged = await self._line.ask(meter, request, lambda: not self._is_over(order))
        if is_acknowledged:
            self._report(order, OrderOutcome.SENT)
        until_s = asyncio.get_running_loop().time() + self._timing.follow_within_s
        await self._check(_Sent(order, meter, until_s, is_acknowledged))

    async def _check(self, sent: _Sent) -> None:
        """See whether the relay is as ordered; if not, the line does other work until it is looked at again."""
        order, meter = sent.order, sent.meter
        try:
            status = await self._ask_status(meter)
        except SilentError:
            if not sent.is_acknowledged:
                # Silent twice: to go on asking would hold up the line of a hundred for half a minute.
                self._end(order, OrderOutcome.SILENT, status=sent.status)
                return
            status = None
        sent.status = status or sent.status
        if status is not None and self._protocol.has_followed(order.action, status):
            digits = await self._read_after(meter)
            self._end(order, OrderOutcome.DONE, status=status, digits=digits)
            return
        due_s = asyncio.get_running_loop().time() + self._timing.poll_s
        if due_s <= sent.until_s:
            self._queue.put(order.id, Priority.SUPPLY, partial(self._check, sent), due_s=due_s)
        elif sent.is_acknowledged:
            self._end(order, OrderOutcome.REFUSED, status=sent.status, error="relay_not_moved")
        else:
            self._end(order, OrderOutcome.SILENT, status=sent.status)

    async def _ask_status(self, meter: MeterPlan) -> Status | None:
        """Return what the relay shows, None where the meter does not say.

        Raises:
            SilentError: it does not answer at all.
        """
        request = self._protocol.read_status(meter)
        if request is None:
            return None
        try:
            status = await self._line.ask(meter, request)
        except (MeterRefusedError, UnreadableError):
            return None
        self._line.take_status(meter, status)
        return status

    async def _read_after(self, meter: MeterPlan) -> int | None:
        try:
            registers = await self._line.ask(meter, self._protocol.read_registers(meter))
        except (SilentError, MeterRefusedError, UnreadableError):
            return None
        self._line.take_requested(meter, registers)
        return registers.digits

    def _is_over(self, order: MeterOrderOut) -> bool:
        return self._now() >= order.expires_at

    def _end(
        self,
        order: MeterOrderOut,
        outcome: OrderOutcome,
        *,
        status: Status | None = None,
        error: str | None = None,
        digits: int | None = None,
    ) -> None:
        self._waiting.pop(order.id, None)
        self._ended.append(order.id)
        self._report(order, outcome, status=status, error=error, digits=digits)

    def _report(
        self,
        order: MeterOrderOut,
        outcome: OrderOutcome,
        *,
        status: Status | None = None,
        error: str | None = None,
        digits: int | None = None,
    ) -> None:
        result = OrderResult(
            outcome=outcome,
            at=self._now(),
            supply=status.supply if status else SupplyState.UNKNOWN,
            status_word=status.word if status else None,
            error=error[:100] if error else None,
            digits=digits,
        )
        self._report_to(order.id, result)


def _priority(order: MeterOrderOut) -> Priority:
    return Priority.QUESTION if order.action is MeterAction.READ else Priority.SUPPLY
