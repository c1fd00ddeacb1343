"""Bringing to the server what lies in the file, oldest first, and fetching plans and orders from it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bus.backoff import Backoff
from metering.lines.collector import Collector
from metering.lines.reader import Reader
from metering.lines.server_client import RejectedError, ServerClient, ServerError, ServerRefusedError, TooLargeError
from metering.lines.unsent import UnsentFile
from metering.reader_contract import ReadingIn

log = structlog.get_logger()

BATCH: Final = 1_000
"""Readings in one request: some 130 kB, half of what the server takes as a body."""
BACKOFF: Final = Backoff(first_s=1.0, longest_s=60.0, refused_s=60.0)


@dataclass(frozen=True, slots=True)
class DeliveryTiming:
    """How often the server is asked. `gather_s`: how long states are gathered before they are sent."""

    plan_s: float = 60.0
    orders_wait_s: float = 25.0
    gather_s: float = 1.0
    known_orders_s: float = 1.0


class Delivery:
    """The tasks that talk with the server, each for itself: one that waits holds up no other."""

    def __init__(
        self,
        client: ServerClient,
        file: UnsentFile,
        collector: Collector,
        reader: Reader,
        timing: DeliveryTiming,
        *,
        backoff: Backoff = BACKOFF,
    ) -> None:
        self._client, self._file, self._collector, self._reader = client, file, collector, reader
        self._timing, self._backoff = timing, backoff
        self._changed = {name: asyncio.Event() for name in ("readings", "results", "statuses")}

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_on())
            for name, work in (
                ("plan", self._follow_plan),
                ("orders", self._fetch_orders),
                ("readings", self._send_readings),
                ("results", self._send_results),
                ("statuses", self._send_statuses),
            ):
                group.create_task(self._repeat(name, work))

    async def _pass_on(self) -> None:
        while True:
            await self._collector.written.wait()
            self._collector.written.clear()
            for event in self._changed.values():
                event.set()

    async def _repeat(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            try:
                await work()
                failures = 0
            except ServerError as error:
                failures += 1
                refused = isinstance(error, ServerRefusedError)
                (log.error if refused else log.warning)("server_not_reached", what=name, error=str(error))
                await asyncio.sleep(self._backoff.wait_s(failures, refused=refused))
            except Exception:
                # Readings must reach the server whatever became of one answer.
                failures += 1
                log.exception("delivery_failed", what=name)
                await asyncio.sleep(self._backoff.longest_s)

    async def _follow_plan(self) -> None:
        await self._fetch_plan()
        await asyncio.sleep(self._timing.plan_s)

    async def _fetch_plan(self) -> None:
        plan = await self._client.fetch_plan()
        if plan == self._reader.plan:
            return
        self._reader.follow(plan)
        try:
            await asyncio.to_thread(self._file.put_plan, plan)
        except sqlite3.Error as error:
            # Only a start without the server needs it.
            log.error("plan_not_written", error=str(error))

    async def _fetch_orders(self) -> None:
        orders = (await self._client.fetch_orders(self._timing.orders_wait_s)).orders
        taken = [self._reader.give(order) for order in orders]
        if None in taken:
            # A meter that was mounted a moment ago: its plan may be newer than ours.
            await self._fetch_plan()
            for order in orders:
                if self._reader.give(order) is None:
                    self._reader.refuse(order)
        if orders and True not in taken:
            # All of them are known, and are given until their results are there.
            await asyncio.sleep(self._timing.known_orders_s)

    async def _send_readings(self) -> None:
        self._changed["readings"].clear()
        waiting = await asyncio.to_thread(self._file.first_readings, BATCH)
        if not waiting:
            await self._changed["readings"].wait()
            return
        await self._send([reading for _, reading in waiting])
        await asyncio.to_thread(self._file.remove_readings, [number for number, _ in waiting])

    async def _send(self, readings: Sequence[ReadingIn]) -> None:
        """Send readings; where the server takes them in no order, halve them until the one is found that it minds."""
        try:
            answer = await self._client.send_readings(readings)
        except RejectedError as error:
            if len(readings) == 1 and isinstance(error, TooLargeError):
                raise ServerError("the server takes not even one reading: 413") from error
            if len(readings) == 1:
                log.error("reading_rejected", reading=readings[0].model_dump(mode="json"), error=str(error))
                return
            middle = len(readings) // 2
            await self._send(readings[:middle])
            await self._send(readings[middle:])
            return
        for refused in answer.refused:
            if refused.index < len(readings):
                reading = readings[refused.index].model_dump(mode="json")
                log.error("reading_refused", reading=reading, code=refused.code)

    async def _send_results(self) -> None:
        self._changed["results"].clear()
        found = await asyncio.to_thread(self._file.first_result)
        if found is None:
            await self._changed["results"].wait()
            return
        number, order, result = found
        try:
            await self._client.send_result(order, result)
        except RejectedError as error:
            log.error("order_result_rejected", order=str(order), outcome=result.outcome.value, error=str(error))
        await asyncio.to_thread(self._file.remove_result, number)

    async def _send_statuses(self) -> None:
        await self._changed["statuses"].wait()
        self._changed["statuses"].clear()
        await asyncio.sleep(self._timing.gather_s)
        while (status := self._collector.take_statuses()) is not None:
            try:
                await self._client.send_status(status)
            except RejectedError as error:
                log.error("status_rejected", error=str(error))
            except BaseException:
                self._collector.put_back(status)
                self._changed["statuses"].set()
                raise
