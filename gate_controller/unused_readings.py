"""Tells in events what a reader sent and nobody could use: its form and how many, never a number."""

import queue
from dataclasses import dataclass

from gate_controller.clock import ClockWatch
from gate_controller.reporter import Reporter
from messages import EventKind

AGAIN_S = 10.0
"""How often the same form is told: a noisy wire makes forty frames a second."""


@dataclass(slots=True)
class _Told:
    at: float
    since: int = 0


class UnusedReadings:
    """What was unreadable, and what was dropped because it may be old."""

    def __init__(self, reporter: Reporter, clock: ClockWatch) -> None:
        self._reporter = reporter
        self._clock = clock
        self._told: dict[str, _Told] = {}
        self._missed: queue.SimpleQueue[int] = queue.SimpleQueue()

    def unreadable(self, form: str) -> None:
        """Tell that something of this form came which is no card and no code."""
        told = self._told.get(form)
        if told is not None:
            told.since += 1
            return
        self._told[form] = _Told(self._clock.seconds())
        self._tell_unreadable(form, 1)

    def dropped(self, number: int, why: str) -> None:
        """Tell that so many readings were not looked at."""
        at, _ = self._clock.look()
        self._reporter.event(EventKind.READINGS_DROPPED, at, details={"number": number, "why": why})

    def missed(self, number: int) -> None:
        """Take note, from any thread, of readings for which there was no room; `tick` tells."""
        self._missed.put(number)

    @property
    def next_at(self) -> float | None:
        """When `tick` is due (monotonic seconds)."""
        if not self._missed.empty():
            return self._clock.seconds()
        return min((told.at + AGAIN_S for told in self._told.values()), default=None)

    def tick(self) -> None:
        """Tell what was missed, and what has come of a form since it was told."""
        if missed := sum(self._missed.get() for _ in range(self._missed.qsize())):
            self.dropped(missed, "hung")
        now = self._clock.seconds()
        for form, told in list(self._told.items()):
            if now < told.at + AGAIN_S:
                continue
            if told.since:
                self._tell_unreadable(form, told.since)
                self._told[form] = _Told(now)
            else:
                del self._told[form]

    def _tell_unreadable(self, form: str, number: int) -> None:
        at, _ = self._clock.look()
        details: dict[str, str | float] = {"form": form, "number": number}
        self._reporter.event(EventKind.READING_UNREADABLE, at, granted=False, reason="unreadable", details=details)
