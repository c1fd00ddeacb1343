"""One line: one task, one connection, one question at a time."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from metering.lines.address import parse_address
from metering.lines.connection import LineInUseError, LineLostError, LineSpeedError, open_connection
from metering.lines.cycle import Cycle
from metering.lines.exchange import Exchange, MeterRefusedError, Request, SilentError, UnreadableError
from metering.lines.line_state import LineState
from metering.lines.orders import Orders, Work
from metering.lines.protocol import MeterProtocol, Registers, Status
from metering.lines.setting import Setting
from metering.lines.work_queue import WorkQueue
from metering.reader_contract import LinePlan, MeterOrderOut, MeterPlan

log = structlog.get_logger()
Value = TypeVar("Value")

_LONGEST_SLEEP_S: Final = 60.0
"""The wall clock may be set while the line sleeps."""
_AFTER_FAULT_S: Final = 1.0
_LOSSES_IN_A_ROW: Final = 2
"""Many gateways hang up when nobody spoke for minutes: the first loss only means to connect again."""


class Line:
    """Reads the meters of one line for as long as `run` runs."""

    def __init__(self, plan: LinePlan, protocol: MeterProtocol, setting: Setting) -> None:
        """Prepare.

        Raises:
            LineAddressError: the plan's URL is none.
        """
        self._address = parse_address(plan.url)
        self._plan, self._setting, self._now = plan, setting, setting.now
        self._meters = {meter.id: meter for meter in plan.meters}
        self._queue: WorkQueue[Work] = WorkQueue()
        self._exchange = Exchange(
            protocol.make_decoder(),
            bits_per_s=plan.bits_per_s,
            timing=setting.timing.exchange,
            extra_wait_s=self._address.extra_wait_s,
        )
        self._state = LineState(plan, setting.sink, now=self._now, cycle_s=setting.cycle_s)
        self._cycle = Cycle(self, self._queue, protocol, self._state, setting)
        self._orders = Orders(
            self, self._queue, protocol, setting.sink.take_result, now=self._now, timing=setting.timing.orders
        )
        self._wake = asyncio.Event()
        self._cycle_mark: int | None = None
        self._look_at_s = 0.0
        self._probe_at_s = 0.0
        self._probes = 0
        self._losses = 0

    async def run(self, start_after_s: float = 0.0) -> None:
        """Read until cancelled; begin after `start_after_s`, so that not every line begins at once."""
        try:
            await asyncio.sleep(start_after_s)
            while True:
                try:
                    await self.step()
                except Exception:
                    # A fault with one meter must not end the line of a hundred.
                    log.exception("line_work_failed", line=self._plan.name)
                    await asyncio.sleep(_AFTER_FAULT_S)
        finally:
            self._exchange.close()

    async def step(self) -> None:
        """Do one piece of work, or wait until there is some."""
        if self._state.is_doubtful:
            await self._ask_witnesses()
        if not self._state.is_up:
            await self._wait_and_probe()
            return
        if self._loop_s() >= self._look_at_s:
            self._look_at_clock()
        waiting = self._queue.take(self._loop_s())
        if waiting is None:
            if self._seconds_until_cycle() <= 0:
                # The wall clock is ahead of what was expected of it when it was looked at last.
                self._look_at_s = 0.0
                return
            await self._sleep(self._seconds_until_due())
            return
        try:
            await self._connect()
            await waiting.work()
        except LineLostError as error:
            self._queue.put_back(waiting)
            self._note_loss(error)

    def begin_cycle(self) -> None:
        """Ask every meter now that does not rest."""
        self._cycle_mark = self._mark()
        self._wake.set()
        self._cycle.begin(list(self._meters.values()))

    def give(self, order: MeterOrderOut) -> bool | None:
        """Take an order; return False where it was taken before, None where its meter is none of this line."""
        meter = self._meters.get(order.meter)
        if meter is None:
            return None
        is_new = self._orders.give(order, meter)
        self._wake.set()
        return is_new

    def update(self, plan: LinePlan) -> None:
        """Take other meters, on the same line."""
        self._plan = plan
        self._meters = {meter.id: meter for meter in plan.meters}
        self._state.update(plan, self._meters)
        self._cycle.forget()
        self._begin_anew()
        self._wake.set()

    def tell_everything(self) -> None:
        """Tell the sink all that is known, for a server that may have forgotten it."""
        self._state.tell_everything()

    async def ask(
        self, meter: MeterPlan, request: Request[Value], may_send: Callable[[], bool] = lambda: True
    ) -> Value:
        """Ask, and note whether the meter answered; see `Exchange.ask` for what is raised."""
        try:
            value = await self._exchange.ask(request, may_send=may_send)
        except SilentError:
            self._state.note_silence(meter.id, self._cycle.number)
            raise
        except (MeterRefusedError, UnreadableError):
            self._note_answer(meter)
            raise
        self._note_answer(meter)
        return value

    async def tell(self, request: Request[None]) -> None:
        """Send what nobody answers."""
        await self._exchange.tell(request)

    def take_requested(self, meter: MeterPlan, registers: Registers) -> None:
        """Pass on a reading that somebody asked for."""
        self._cycle.take_requested(meter, registers)

    def take_status(self, meter: MeterPlan, status: Status) -> None:
        """Pass on what a relay shows."""
        self._cycle.take_status(meter, status)

    def _note_answer(self, meter: MeterPlan) -> None:
        self._losses = 0
        self._state.note_answer(meter.id)

    def _note_loss(self, error: Exception) -> None:
        self._losses += 1
        if self._losses >= _LOSSES_IN_A_ROW:
            self._state.note_loss(str(error))

    async def _connect(self) -> None:
        if self._exchange.is_open:
            return
        try:
            connection = await open_connection(
                self._address, self._plan.bits_per_s, self._exchange.receive, self._exchange.lose
            )
        except (LineInUseError, LineSpeedError) as error:
            self._losses = _LOSSES_IN_A_ROW
            raise LineLostError(str(error)) from error
        self._exchange.attach(connection)

    async def _ask_witnesses(self) -> None:
        """Find out whether the line is down, or only the meters that were silent in a row."""
        try:
            for meter in self._state.pick_witnesses(list(self._meters.values())):
                await self._connect()
                await self._cycle.read(meter)
                if not self._state.is_doubtful:
                    return
        except LineLostError as error:
            self._note_loss(error)
        else:
            self._state.note_loss("no meter answers")
        if not self._state.is_up:
            self._probe_at_s = self._loop_s() + self._setting.timing.probe_s

    async def _wait_and_probe(self) -> None:
        """Wait for the next probe, ask one meter; when it answers, all that were left out are asked."""
        self._orders.end_what_cannot_wait()
        wait_s = self._probe_at_s - self._loop_s()
        if wait_s > 0:
            await self._sleep(wait_s)
            return
        self._probe_at_s = self._loop_s() + self._setting.timing.probe_s
        meters = list(self._meters.values())
        if not meters:
            return
        self._probes += 1
        # Some gateways keep a connection on which nothing passes any more, and let in only one.
        self._exchange.close()
        try:
            await self._connect()
            await self._cycle.read(meters[self._probes % len(meters)])
        except LineLostError as error:
            self._note_loss(error)
        if self._state.is_up:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._cycle_mark, self._look_at_s = None, 0.0

    def _look_at_clock(self) -> None:
        """Begin the cycle if it is time; otherwise do not look again before it may be, nor for a minute."""
        until_cycle_s = self._seconds_until_cycle()
        if until_cycle_s <= 0:
            self.begin_cycle()
            until_cycle_s = self._seconds_until_cycle()
        self._look_at_s = self._loop_s() + min(until_cycle_s, _LONGEST_SLEEP_S)

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(max(0.0, min(seconds, _LONGEST_SLEEP_S))):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _seconds_until_due(self) -> float:
        due_s = self._queue.next_due_s()
        until_cycle_s = self._seconds_until_cycle()
        return until_cycle_s if due_s is None else min(due_s - self._loop_s(), until_cycle_s)

    def _seconds_until_cycle(self) -> float:
        """Cycles begin with the quarters of an hour, or whatever a cycle is, so that meters are read side by side."""
        mark = self._mark()
        if mark != self._cycle_mark:
            return 0.0
        return (mark + 1) * self._setting.cycle_s - self._now().timestamp()

    def _mark(self) -> int:
        return int(self._now().timestamp() // self._setting.cycle_s)

    @staticmethod
    def _loop_s() -> float:
        return asyncio.get_running_loop().time()
