"""All lines of a process: as many tasks as the plan has lines."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from errors import OperatorError
from metering.lines.address import parse_address
from metering.lines.line import Line
from metering.lines.protocols.registry import PROTOCOLS, ProtocolOptions
from metering.lines.setting import Setting
from metering.reader_contract import LinePlan, LineStatus, MeterOrderOut, OrderOutcome, OrderResult, Plan

log = structlog.get_logger()

_REMEMBERED = 1_000
_START_WITHIN_S = 2.0
"""Lines begin one after the other: fifty connections at once are a burst that some switches drop."""


@dataclass(slots=True)
class _Running:
    plan: LinePlan
    line: Line
    task: "asyncio.Task[None]"


class Reader:
    """Keeps a line running for each line of the plan it follows."""

    def __init__(self, setting: Setting, options: ProtocolOptions, *, start_within_s: float = _START_WITHIN_S) -> None:
        self._setting, self._options, self._start_within_s = setting, options, start_within_s
        self._refused: deque[UUID] = deque(maxlen=_REMEMBERED)
        self._lines: dict[UUID, _Running] = {}
        self.plan: Plan | None = None

    def follow(self, plan: Plan) -> None:
        """Begin, change and end lines so that they are those of `plan`."""
        log.info("plan_followed", revision=plan.revision, lines=len(plan.lines))
        if self.plan is not None and self.plan.cycle_s != plan.cycle_s:
            self._end(list(self._lines))
        self.plan = plan
        self._setting = replace(self._setting, cycle_s=plan.cycle_s)
        wanted = {line.id: line for line in plan.lines}
        self._end([known for known in self._lines if known not in wanted])
        for line in plan.lines:
            self._follow_line(line)

    def give(self, order: MeterOrderOut) -> bool | None:
        """Take an order; return False where it was taken before, None where the plan has no such meter."""
        if order.id in self._refused:
            return False
        for running in self._lines.values():
            if (is_new := running.line.give(order)) is not None:
                return is_new
        return None

    def refuse(self, order: MeterOrderOut) -> None:
        """Say that the plan has no such meter."""
        self._refused.append(order.id)
        result = OrderResult(outcome=OrderOutcome.REFUSED, at=self._setting.now(), error="not_in_plan")
        self._setting.sink.take_result(order.id, result)

    async def close(self) -> None:
        """End all lines and hang up."""
        tasks = [running.task for running in self._lines.values()]
        self._end(list(self._lines))
        await asyncio.gather(*tasks, return_exceptions=True)

    def _follow_line(self, plan: LinePlan) -> None:
        running = self._lines.get(plan.id)
        if running is not None and running.plan == plan:
            return
        if running is not None and _way(running.plan) == _way(plan):
            running.plan = plan
            running.line.update(plan)
            return
        self._end([plan.id] if running is not None else [])
        try:
            protocol = PROTOCOLS[plan.protocol](parse_address(plan.url), self._options)
            line = Line(plan, protocol, self._setting)
        except OperatorError as error:
            log.error("line_not_read", line=plan.name, error=str(error))
            status = LineStatus(line=plan.id, is_up=False, since=self._setting.now())
            self._setting.sink.take_line_status(status)
            return
        start_after_s = random.uniform(0, self._start_within_s)  # noqa: S311 - spreading, not secrecy
        task = asyncio.create_task(line.run(start_after_s), name=f"line-{plan.name}")
        task.add_done_callback(lambda done: _log_end(plan, done))
        self._lines[plan.id] = _Running(plan, line, task)

    def _end(self, lines: list[UUID]) -> None:
        for line in lines:
            self._lines.pop(line).task.cancel()


def _way(plan: LinePlan) -> tuple[object, ...]:
    return (plan.url, plan.protocol, plan.bits_per_s, plan.name)


def _log_end(plan: LinePlan, task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("line_ended", line=plan.name, exc_info=error)
