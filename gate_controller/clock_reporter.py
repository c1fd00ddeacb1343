"""What the controller records about its own clock, and what it redates when a wrong time is given up."""

from datetime import datetime

import structlog

from access.passages import PassageLog
from gate_controller.clock import ClockWatch
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.reporter import Details, Reporter
from messages import EventKind

log = structlog.get_logger()


class ClockReporter:
    """Records when the clock turns out to be behind, and when the server vouches for it."""

    def __init__(self, reporter: Reporter, clock: ClockWatch, *, memory: DoorMemory, passage_log: PassageLog) -> None:
        """Watch `clock` from now on."""
        self._reporter = reporter
        self._clock = clock
        self._memory = memory
        self._passage_log = passage_log
        clock.when_unsure = self._record_unsure

    def accept_server_time(self, server_at: datetime) -> bool:
        """Take the server's time (`ClockWatch.accept_server_time`); return whether a wrong time was given up for it."""
        given_up = self._clock.accept_server_time(server_at)
        if given_up is None:
            return False
        now, _ = self._clock.read()
        # What was kept under the wrong time would count until that time is reached.
        self._passage_log.redate(now)
        try:
            self._memory.redate(now)
        except DoorMemoryError as error:
            log.error("time_not_remembered", error=str(error))
        self._reporter.record(EventKind.CLOCK_RESTORED, now, details={"given_up": given_up.isoformat()})
        return True

    def _record_unsure(self, at: datetime, until: datetime) -> None:
        behind_s = (until - at).total_seconds()
        details: Details = {"behind_s": behind_s, "since": at.isoformat(), "until": until.isoformat()}
        self._reporter.record(EventKind.CLOCK_UNSURE, at, details=details)
