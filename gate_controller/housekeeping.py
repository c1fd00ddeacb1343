"""What the controller does now and then: stores the time, records lost events, says again how it is."""

from datetime import datetime

import structlog

from access.passages import PassageLog
from bus import Connection, Outbox
from gate_controller.card_decision import Directory
from gate_controller.clock import ClockWatch
from gate_controller.computer import disk_free_mb, temperature_c
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.reporter import Reporter
from messages import KEPT_IN_MEMORY, EventKind, UnwrittenWatch

log = structlog.get_logger()

EVERY_S = 30.0
"""How often: after a power cut the clock may be so far behind the last time on record without being noticed."""
_EVEN_S = 60.0
"""How far the wall clock may come away from the counting one before it is said to have jumped."""


class Housekeeping:
    """Runs every `EVERY_S` seconds on the controller's thread."""

    def __init__(
        self,
        reporter: Reporter,
        clock: ClockWatch,
        *,
        memory: DoorMemory,
        outbox: Outbox,
        bus: Connection,
        directory: Directory | None,
        passage_log: PassageLog,
        unwritten: UnwrittenWatch,
    ) -> None:
        """`unwritten` watches the controller's files."""
        self._reporter = reporter
        self._clock = clock
        self._memory = memory
        self._outbox = outbox
        self._bus = bus
        self._directory = directory
        self._passage_log = passage_log
        self._unwritten = unwritten
        self._lost = outbox.lost
        self._even_since: tuple[datetime, float] | None = None
        self.next_at = clock.monotonic()

    def report_unwritten_files(self) -> None:
        """Record a file that cannot be written any more; what it was to hold is kept in memory."""
        for name in self._unwritten.find_begun(self._clock.monotonic()):
            at, _ = self._clock.read()
            details = {"file": name, "lost": ""}
            self._reporter.record(EventKind.STORAGE_FAULT, at, reason=KEPT_IN_MEMORY, details=details)

    def tick(self, *, edge_online: bool) -> None:
        """Do what is due."""
        now = self._clock.monotonic()
        if now < self.next_at:
            return
        self.next_at = now + EVERY_S
        synced_at = self._directory.synced_at if self._directory is not None else None
        if synced_at is not None:
            self._clock.advance_latest(synced_at)
        at, sure = self._clock.read()
        if sure:
            self._keep_time(at)
        lost = self._outbox.lost
        if lost > self._lost:
            self._reporter.record(EventKind.EVENTS_LOST, at, details={"number": lost - self._lost})
            self._lost = lost
        self._reporter.announce(at)
        self._reporter.publish_health(
            at,
            {
                "events_waiting": len(self._outbox),
                "events_lost": lost,
                "edge_online": edge_online,
                "connections": self._bus.connections,
                "directory_revision": self._directory.revision if self._directory is not None else None,
                "directory_synced_at": synced_at.isoformat() if synced_at is not None else None,
                "passages_revision": self._passage_log.revision,
                "clock_sure": sure,
                "clock_steady_s": self._steady_s(at, sure=sure),
                "boot_id": str(self._reporter.boot_id),
                "temperature_c": temperature_c(),
                "disk_free_mb": disk_free_mb(self._memory.folder),
            },
        )

    def _steady_s(self, at: datetime, *, sure: bool) -> float:
        """Return for how long the clock has run evenly here: the server asks when its own clock is in doubt."""
        seconds = self._clock.monotonic()
        since = self._even_since
        if not sure or since is None or abs((at - since[0]).total_seconds() - (seconds - since[1])) > _EVEN_S:
            self._even_since = since = (at, seconds)
        return round(seconds - since[1], 1)

    def _keep_time(self, at: datetime) -> None:
        try:
            self._memory.latest_time = at
        except DoorMemoryError as error:
            log.error("time_not_remembered", error=str(error))
