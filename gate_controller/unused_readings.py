"""Records in events what a reader sent and nobody could use: its form and how many, never a number."""

import queue
from dataclasses import dataclass

from gate_controller.clock import ClockWatch
from gate_controller.reporter import Reporter
from messages import EventKind

AGAIN_S = 10.0
"""How often the same form is reported: a noisy wire makes forty frames a second."""


@dataclass(slots=True)
class _Reported:
    at: float
    since: int = 0


class UnusedReadings:
    """What was unreadable, and what was dropped because it may be old."""

    def __init__(self, reporter: Reporter, clock: ClockWatch) -> None:
        self._reporter = reporter
        self._clock = clock
        self._reported: dict[str, _Reported] = {}
        self._missed: queue.SimpleQueue[int] = queue.SimpleQueue()

    def report_unreadable(self, form: str) -> None:
        """Record that something of this form came which is no card and no code."""
        reported = self._reported.get(form)
        if reported is not None:
            reported.since += 1
            return
        self._reported[form] = _Reported(self._clock.monotonic())
        self._record_unreadable(form, 1)

    def report_dropped(self, number: int, why: str) -> None:
        """Record that so many readings were dropped unread."""
        at, _ = self._clock.read()
        self._reporter.record(EventKind.READINGS_DROPPED, at, details={"number": number, "why": why})

    def count_missed(self, number: int) -> None:
        """Count, from any thread, readings for which there was no room; `tick` records them."""
        self._missed.put(number)

    @property
    def next_at(self) -> float | None:
        """When `tick` is due (monotonic seconds)."""
        if not self._missed.empty():
            return self._clock.monotonic()
        return min((reported.at + AGAIN_S for reported in self._reported.values()), default=None)

    def tick(self) -> None:
        """Record what was missed, and what has come of a form since it was reported."""
        if missed := sum(self._missed.get() for _ in range(self._missed.qsize())):
            self.report_dropped(missed, "hung")
        now = self._clock.monotonic()
        for form, reported in list(self._reported.items()):
            if now < reported.at + AGAIN_S:
                continue
            if reported.since:
                self._record_unreadable(form, reported.since)
                self._reported[form] = _Reported(now)
            else:
                del self._reported[form]

    def _record_unreadable(self, form: str, number: int) -> None:
        at, _ = self._clock.read()
        details: dict[str, str | float] = {"form": form, "number": number}
        self._reporter.record(EventKind.READING_UNREADABLE, at, granted=False, reason="unreadable", details=details)
