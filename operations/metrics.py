"""Figures for Prometheus, gathered when they are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts import audit
from database import Database
from directory import zone_passages
from directory.lag import find_lags
from messages import DoorStatus, Event, EventKind, ProcessStatus
from operations.alarms import register
from operations.board import UNKNOWN, Board

_FIGURES = {
    "events_waiting": ("campusgate_gate_events_waiting", "Events that a gate's process has not been receipted", 1),
    "frames_per_second": ("campusgate_gate_frames_per_second", "Frames that the edge looks at", 1),
    "temperature_c": ("campusgate_gate_temperature_celsius", "Temperature of the gate computer", 1),
    "disk_free_mb": ("campusgate_gate_disk_free_bytes", "Disk that the gate computer may still fill", 1_000_000),
}
"""Figures of the gates' own health reports that are passed on, and by what they are multiplied."""

_PASSAGE_BOUNDS_S = (0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0)
"""Around what people notice: a door that takes longer than a second is pushed."""


@dataclass(frozen=True, eq=False)  # a registry keeps collectors by identity
class OperationsCollector(Collector):
    """Reads board, register of alarms, directory and ingest. Labels hold gates and kinds, never people."""

    database: Database
    board: Board
    stored: Callable[[], Mapping[str, int]]
    """Events stored since the start, by kind."""
    backlog: Callable[[], int]
    """Events that arrived and are not stored yet."""
    now: Callable[[], datetime]
    leads: Callable[[], bool] = lambda: True
    """Whether this server does now what only one of several does."""

    def describe(self) -> list[Metric]:
        """Name nothing in advance: a registry asks this when it is made, and there may be no database yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        yield from self._gates()
        yield from self._events()
        yield from self._alarms_and_directories()

    def _gates(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "campusgate_broker_connected", "Whether the server hears the gates", value=float(self.board.hears)
        )
        yield GaugeMetricFamily(
            "campusgate_leads", "Whether this server does what only one of several does", value=float(self.leads())
        )
        online = GaugeMetricFamily(
            "campusgate_gate_online",
            "Whether a gate's process is there; left out while that is not known",
            labels=["gate", "process"],
        )
        doors = dict.fromkeys([*(status.value for status in DoorStatus), UNKNOWN], 0)
        for view in self.board.views():
            for process, there in (("controller", view.controller), ("edge", view.edge)):
                if there is not None:
                    online.add_metric([view.gate, process], float(there is ProcessStatus.ONLINE))
            # A door whose controller is not heard may be anything by now.
            known = view.door if self.board.hears else None
            doors[UNKNOWN if known is None else known.state.value] += 1
        yield online
        yield from self._health()
        states = GaugeMetricFamily("campusgate_doors", "Doors by state", labels=["state"])
        for state, number in doors.items():
            states.add_metric([state], number)
        yield states

    def _health(self) -> Iterator[Metric]:
        for figure, (name, meaning, factor) in _FIGURES.items():
            family = GaugeMetricFamily(name, meaning, labels=["gate", "process"])
            for view in self.board.views():
                for process, health in view.health.items():
                    value = health.figures.get(figure)
                    if isinstance(value, int | float) and not isinstance(value, bool):
                        family.add_metric([view.gate, process], value * factor)
            yield family

    def _events(self) -> Iterator[Metric]:
        events = CounterMetricFamily(
            "campusgate_events", "Events of gates stored since the server started", labels=["kind"]
        )
        for kind, number in sorted(self.stored().items()):
            events.add_metric([kind], number)
        yield events
        yield GaugeMetricFamily(
            "campusgate_ingest_backlog", "Events that arrived and are not stored yet", value=self.backlog()
        )

    def _alarms_and_directories(self) -> Iterator[Metric]:
        with self.database.read() as session:
            open_alarms = register.count_open(session)
            behind = find_lags(session, self.now())
            counted = zone_passages.count_inside(session, now=self.now())
            backups = audit.find(session, action=audit.BACKUP, limit=1)
        for backup in backups:
            yield GaugeMetricFamily(
                "campusgate_backup_age_seconds",
                "Age of the newest backup of the database; left out where there is none on record",
                value=(self.now() - backup.at).total_seconds(),
            )
        alarms = GaugeMetricFamily("campusgate_alarms_open", "Open alarms", labels=["kind", "severity", "acknowledged"])
        for (kind, severity, acknowledged), number in sorted(open_alarms.items()):
            alarms.add_metric([kind, severity, str(acknowledged).lower()], number)
        yield alarms
        people = GaugeMetricFamily("campusgate_zone_inside", "People in a zone by their passages", labels=["zone"])
        for zone, number in sorted(counted.items()):
            people.add_metric([zone], number)
        yield people
        seconds = GaugeMetricFamily(
            "campusgate_directory_lag_seconds",
            "Age of the oldest change of the directory that is not in force at a gate's device",
            labels=["gate", "view", "device"],
        )
        revocations = GaugeMetricFamily(
            "campusgate_directory_revocations_waiting",
            "Revocations that are not in force at a gate's device",
            labels=["gate", "view", "device"],
        )
        for lag in behind:
            labels = [lag.gate, str(lag.view), str(lag.device_id)]
            seconds.add_metric(labels, lag.behind_s)
            revocations.add_metric(labels, lag.waiting_revocations)
        yield seconds
        yield revocations


class PassageTimes:
    """How long people waited at gates, as the gates' events tell: from the first sign of them to the relay."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register."""
        self._seconds = Histogram(
            "campusgate_passage_seconds",
            "Seconds from the first sign of somebody who was let in to the relay",
            ["method"],
            buckets=_PASSAGE_BOUNDS_S,
            registry=registry,
        )

    def observe(self, events: Sequence[Event]) -> None:
        """Take note of what was stored; what gates did while they were cut off counts like all else."""
        for event in events:
            if event.kind == EventKind.ACCESS_GRANTED and event.latency_ms is not None:
                self._seconds.labels("other" if event.method is None else event.method.value).observe(
                    event.latency_ms / 1000
                )


def make_registry(collector: OperationsCollector) -> CollectorRegistry:
    """Return a registry of the server's own figures; the library's global one holds whatever anybody put there."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry
