"""What a line asks by itself: registers and relays in each cycle, midnight's frozen readings, the meters' clocks."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar
from uuid import UUID

import structlog

from metering.lines import calendar
from metering.lines.exchange import MeterRefusedError, Request, SilentError, UnreadableError
from metering.lines.line_state import LineState
from metering.lines.orders import Work
from metering.lines.protocol import MeterError, MeterProtocol, Registers, Status
from metering.lines.setting import Setting, TakenReading
from metering.lines.work_queue import Priority, WorkQueue
from metering.reader_contract import MeterPlan
from metering.vocabulary import ReadingSource, SupplyState

log = structlog.get_logger()
Value = TypeVar("Value")

_MOST_FROZEN_DAYS: Final = 7
"""Meters keep 62 daily freezes; what is further back was settled without."""


class CycleLine(Protocol):
    """What the cycle needs of its line."""

    async def ask(self, meter: MeterPlan, request: Request[Value]) -> Value:
        """Ask, and note whether the meter answered."""

    async def tell(self, request: Request[None]) -> None:
        """Send what nobody answers."""


class Cycle:
    """Puts the line's own questions into its queue, and asks them."""

    def __init__(
        self, line: CycleLine, queue: WorkQueue[Work], protocol: MeterProtocol, state: LineState, setting: Setting
    ) -> None:
        self._line, self._queue, self._protocol, self._state = line, queue, protocol, state
        self._setting, self._sink, self._now = setting, setting.sink, setting.now
        self._watched_until_s: dict[UUID, float] = {}
        self._above: dict[UUID, int] = {}
        """The power of meters that were above their limit the last time."""
        self._without_power: set[UUID] = set()
        self._wrong_clocks: dict[UUID, date] = {}
        """The last midnight at which a meter's clock was too far off."""
        self._clocks_set_on: date | None = None
        self.number = 0

    def begin(self, meters: list[MeterPlan]) -> None:
        """Put all meters into the queue that do not rest; what still waits since the last time is not put in twice."""
        self.number += 1
        self._state.tell_silent(self.number)
        day = calendar.day_to_freeze(self._now(), self._setting.zone)
        due = [meter for meter in meters if self._state.is_due(meter.id, self.number)]
        for meter in due:
            self._queue.put(("registers", meter.id), Priority.CYCLE, partial(self._unless_resting, meter, self.read))
            if meter.has_relay:
                self._put_status(meter)
            if meter.load_limit_w is not None and meter.id not in self._without_power:
                self._put_power(meter)
        # A midnight that was missed can wait: what meters show now cannot be read later.
        for meter in due:
            if day is not None and self._setting.frozen_days.get(meter.id, date.min) < day:
                self._put_frozen(meter, day)
        if meters and self._setting.sets_clocks:
            self._put_clocks(meters)

    def forget(self) -> None:
        """Drop what waits: there is another plan."""
        self._queue.clear(Priority.CYCLE)
        self._queue.clear(Priority.FREEZE)
        self._queue.clear(Priority.LOAD)
        self._without_power.clear()

    def take_requested(self, meter: MeterPlan, registers: Registers) -> None:
        """Pass on a reading that somebody asked for."""
        self._take(meter, registers, ReadingSource.REQUESTED)

    def take_status(self, meter: MeterPlan, status: Status) -> None:
        """Pass on what a relay shows; one that was just armed is watched, so that a page shows when it closes."""
        self._state.note_status(meter.id, status)
        now_s = asyncio.get_running_loop().time()
        if status.supply is not SupplyState.ARMED:
            self._watched_until_s.pop(meter.id, None)
            return
        timing = self._setting.timing
        if now_s < self._watched_until_s.setdefault(meter.id, now_s + timing.watch_for_s):
            self._put_status(meter, due_s=now_s + min(timing.watch_s, self._setting.cycle_s))

    async def read(self, meter: MeterPlan) -> None:
        """Read what a meter counted; one that fails is logged.

        Raises:
            LineLostError: the gateway cannot be reached.
        """
        try:
            registers = await self._line.ask(meter, self._protocol.read_registers(meter))
        except SilentError:
            return
        except MeterError as error:
            log.error("meter_not_readable", meter=str(meter.id), error=str(error))
            self._state.note_impossible(meter.id, self.number)
            return
        except (MeterRefusedError, UnreadableError) as error:
            log.warning("meter_not_read", meter=str(meter.id), error=str(error))
            return
        self._take(meter, registers, ReadingSource.CYCLE)

    async def _unless_resting(self, meter: MeterPlan, work: Callable[[MeterPlan], Awaitable[None]]) -> None:
        """Do the work, unless the meter was silent in this cycle already: its silence would cost twice."""
        if self._state.is_due(meter.id, self.number):
            await work(meter)

    async def _read_status(self, meter: MeterPlan) -> None:
        try:
            request = self._protocol.read_status(meter)
            if request is not None:
                self.take_status(meter, await self._line.ask(meter, request))
        except SilentError:
            return
        except (MeterRefusedError, UnreadableError, MeterError) as error:
            log.warning("meter_status_not_read", meter=str(meter.id), error=str(error))

    async def _watch_load(self, meter: MeterPlan) -> None:
        """Ask what passes now, and report what is above the limit in two questions."""
        timing, again_s = self._setting.timing, self._setting.timing.load_s
        if self._state.has_supply(meter.id):
            try:
                watts = await self._read_power(meter)
            except SilentError:
                return
            except (MeterRefusedError, MeterError) as error:
                log.info("meter_without_power", meter=str(meter.id), error=str(error))
                self._without_power.add(meter.id)
                return
            before = self._above.pop(meter.id, None)
            if watts is None or meter.load_limit_w is None or watts <= meter.load_limit_w:
                pass
            elif before is None:
                self._above[meter.id], again_s = watts, timing.load_again_s
            else:
                self._state.note_load(meter.id, min(before, watts))
        self._put_power(meter, due_s=asyncio.get_running_loop().time() + again_s)

    async def _read_power(self, meter: MeterPlan) -> int | None:
        request = self._protocol.read_power(meter)
        if request is None:
            raise MeterError(f"{meter.model} tells no power")
        try:
            return await self._line.ask(meter, request)
        except UnreadableError:
            return None

    async def _read_frozen(self, day: date, meter: MeterPlan) -> None:
        """Read this day's midnight, and those before it that were missed; each only if the meter froze at midnight."""
        if calendar.day_to_freeze(self._now(), self._setting.zone) != day:
            return
        newest: date | None = None
        try:
            if not await self._has_right_clock(meter, day):
                return
            for back in range(1, _MOST_FROZEN_DAYS + 1):
                midnight = await self._read_freeze(meter, day, back)
                if midnight is None:
                    break
                newest = newest or midnight
        except SilentError:
            return
        except (MeterRefusedError, MeterError) as error:
            # It has none, or none so far back: asking again today changes nothing.
            log.info("meter_without_freeze", meter=str(meter.id), error=str(error))
            newest = newest or day
        except UnreadableError as error:
            log.warning("meter_not_read", meter=str(meter.id), error=str(error))
        if newest is not None:
            self._note_frozen(meter.id, newest)

    async def _has_right_clock(self, meter: MeterPlan, day: date) -> bool:
        """Whether a meter freezes at midnight: what it says of that is by its own clock.

        A clock that was set since midnight does not make right what was frozen before.
        """
        request = self._protocol.read_clock(meter, self._now())
        if request is None:
            return True
        try:
            off_s = round((await self._line.ask(meter, request) - self._now()).total_seconds())
        except (MeterRefusedError, UnreadableError):
            return True
        is_right = abs(off_s) <= calendar.FREEZE_TOLERANCE.total_seconds()
        self._state.note_clock(meter, None if is_right else off_s)
        if not is_right:
            self._wrong_clocks[meter.id] = day
            log.warning("meter_clock_wrong", meter=str(meter.id), ahead_s=off_s)
        return self._wrong_clocks.get(meter.id) != day

    async def _read_freeze(self, meter: MeterPlan, day: date, back: int) -> date | None:
        """Read one freeze and return its day; None where it is known, or not of a midnight, or cannot be had."""
        ask_at, ask = self._protocol.read_frozen_at(meter, back), self._protocol.read_frozen(meter, back)
        if ask_at is None or ask is None:
            self._note_frozen(meter.id, day)
            return None
        frozen_at = await self._line.ask(meter, ask_at)
        midnight = calendar.find_midnight(frozen_at)
        if midnight is None or midnight > day:
            log.warning("meter_freeze_not_at_midnight", meter=str(meter.id), frozen_at=frozen_at.isoformat())
            return None
        # A midnight without power has no freeze, so the one before stands in its place.
        if midnight <= self._setting.frozen_days.get(meter.id, day - timedelta(days=1)):
            return None
        registers = await self._line.ask(meter, ask)
        self._take(meter, registers, ReadingSource.FROZEN, midnight)
        return midnight

    async def _set_clocks(self, meters: list[MeterPlan], day: date) -> None:
        for told in {request.payload: request for one in meters if (request := self._clock_of(one))}.values():
            await self._line.tell(told)
        self._clocks_set_on = day

    def _clock_of(self, meter: MeterPlan) -> Request[None] | None:
        try:
            return self._protocol.set_clocks(meter, self._now())
        except MeterError:
            return None

    def _put_frozen(self, meter: MeterPlan, day: date) -> None:
        is_hour = calendar.is_freeze_hour(self._now(), self._setting.zone)
        priority = Priority.FREEZE if is_hour else Priority.CYCLE
        work = partial(self._unless_resting, meter, partial(self._read_frozen, day))
        self._queue.put(("frozen", meter.id), priority, work)

    def _put_status(self, meter: MeterPlan, *, due_s: float | None = None) -> None:
        work = partial(self._unless_resting, meter, self._read_status)
        self._queue.put(("status", meter.id), Priority.CYCLE, work, due_s=due_s)

    def _put_power(self, meter: MeterPlan, *, due_s: float | None = None) -> None:
        work = partial(self._unless_resting, meter, self._watch_load)
        self._queue.put(("power", meter.id), Priority.LOAD, work, due_s=due_s)

    def _put_clocks(self, meters: list[MeterPlan]) -> None:
        day = calendar.day_to_set_clocks(self._now(), self._setting.zone)
        if day is not None and day != self._clocks_set_on:
            self._queue.put("clocks", Priority.CYCLE, partial(self._set_clocks, meters, day))

    def _note_frozen(self, meter: UUID, day: date) -> None:
        self._setting.frozen_days[meter] = day
        self._sink.take_frozen(meter, day)

    def _take(
        self, meter: MeterPlan, registers: Registers, source: ReadingSource, frozen_on: date | None = None
    ) -> None:
        at = calendar.midnight_of(frozen_on, self._setting.zone) if frozen_on is not None else self._now()
        self._sink.take_reading(TakenReading(meter.id, meter.serial, at, registers.digits, source, registers.tariffs))
