"""Figures of the edge for the board, and whether it is there at all."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from bus.errors import NotConnectedError
from bus.port import Bus
from bus.session import Will
from edge.camera import Feed
from edge.camera_report import CameraReporter
from edge.command_sender import CommandSender
from edge.engines import Engines
from edge.gallery import Directory, SearchSource
from edge.metrics import Metrics
from messages import Availability, Clock, GateTopics, Health, ProcessStatus

Figure = float | str | bool | None


class HealthReporter:
    """Gathers and publishes the figures."""

    def __init__(
        self,
        *,
        bus: Bus,
        topics: GateTopics,
        feed: Feed,
        reporter: CameraReporter,
        directory: Directory,
        searches: SearchSource,
        commands: CommandSender,
        metrics: Metrics,
        clock: Clock,
        engines: Engines,
        models_wanted: Callable[[], Sequence[str]],
        liveness_by: str,
        waiting_events: Callable[[], int],
        sync_error: Callable[[], str | None],
        frames_seen: Callable[[], int],
        machine: Callable[[], Mapping[str, Figure]],
        boot_id: str | None = None,
    ) -> None:
        """Take what is asked for its figures.

        `liveness_by` says who judges whether a face is alive: names of networks, `cues_alone` or `nobody`.
        `frames_seen` counts what recognition looked at; `machine` tells of the computer, where that is known.
        """
        self._bus = bus
        self._topics = topics
        self._feed = feed
        self._reporter = reporter
        self._directory = directory
        self._searches = searches
        self._commands = commands
        self._metrics = metrics
        self._clock = clock
        self._engines = engines
        self._models_wanted = models_wanted
        self._liveness_by = liveness_by
        self._waiting_events = waiting_events
        self._sync_error = sync_error
        self._frames_seen = frames_seen
        self._machine = machine
        self._boot_id = boot_id
        self._last: tuple[float, int, int] | None = None

    def figures(self) -> dict[str, Figure]:
        """Return what is true now; frames per second are those since the last call."""
        report = self._feed.report()
        search = self._searches.current
        synced_at = self._directory.synced_at
        came, seen = self._rates(report.frames, self._frames_seen())
        people = {gallery.model_id: gallery.matcher.people for gallery in search.galleries} if search else {}
        self._metrics.set_people(people)
        self._metrics.revision.set(self._directory.revision)
        self._metrics.camera_running.set(self._reporter.running)
        return {
            "camera": report.status.value,
            "camera_error": report.error,
            "view": self._reporter.condition.value,
            "frames_per_second": came,
            "looked_at_per_second": seen,
            "frames_passed_over": report.passed_over,
            "camera_losses": report.losses,
            "model": self._directory.model_id or self._engines.first.model_id,
            "models": ", ".join(f"{model_id}: {count}" for model_id, count in people.items()),
            "models_runnable": ", ".join(self._engines.runnable),
            "models_missing": ", ".join(self._find_missing()) or None,
            "liveness_by": self._liveness_by,
            "model_mismatch": self._searches.mismatch,
            "directory_revision": self._directory.revision,
            "directory_age_s": self._age(synced_at),
            "directory_error": self._sync_error(),
            "people": sum(people.values()),
            "threshold": round(search.galleries[0].threshold, 4) if search else None,
            "controller": self._commands.controller.value if self._commands.controller else None,
            "events_waiting": self._waiting_events(),
            "boot_id": self._boot_id,
            **self._machine(),
        }

    def publish(self) -> None:
        """Say the figures; without a broker they are simply not said."""
        health = Health(gate=self._topics.gate, source="edge", at=self._clock.now(), figures=self.figures())
        try:
            self._bus.publish(self._topics.health, health.encode(), qos=0)
        except NotConnectedError:
            return

    def _find_missing(self) -> list[str]:
        """Return the models that people of this gate are to be matched with and that cannot be run here."""
        return sorted({*self._models_wanted(), *self._searches.missing}.difference(self._engines.runnable))

    def _rates(self, frames: int, seen: int) -> tuple[float, float]:
        now = self._clock.monotonic()
        before, self._last = self._last, (now, frames, seen)
        if before is None or now <= before[0]:
            return 0.0, 0.0
        passed = now - before[0]
        return round((frames - before[1]) / passed, 2), round((seen - before[2]) / passed, 2)

    def _age(self, synced_at: datetime | None) -> float | None:
        return None if synced_at is None else round((self._clock.now() - synced_at).total_seconds(), 1)


def availability(
    topics: GateTopics, boot_id: UUID, status: ProcessStatus, at: datetime | None = None, *, connection: int
) -> Will:
    """Return the retained message that says whether this edge is there; `OFFLINE` is its last will."""
    message = Availability(gate=topics.gate, status=status, boot_id=boot_id, at=at, connection=connection)
    return Will(topics.edge_availability, message.encode())
