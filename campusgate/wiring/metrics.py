"""The server's figures for Prometheus."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import ProcessCollector

from campusgate.settings import Settings
from campusgate.wiring.notice_channels import make_notice_channels
from database import Database
from enrollment.metrics import EnrollmentCollector
from metering.rooms.metrics import MeterCollector
from metering.sessions.metrics import ShowerCollector
from metering.sessions.mqtt_port import ShowerPort
from operations.api.metrics import MetricsServices
from operations.board import Board
from operations.ingest import Ingest
from operations.metrics import OperationsCollector, PassageTimes, make_registry
from web.request_times import RequestTimes


@dataclass(frozen=True, slots=True)
class Metrics:
    """What `GET /metrics` shows, and what measures requests for it."""

    services: MetricsServices
    requests: RequestTimes


def make_metrics(
    settings: Settings,
    database: Database,
    board: Board,
    ingest: Ingest,
    showers: ShowerPort | None,
    *,
    leads: Callable[[], bool],
) -> Metrics | None:
    """Return what `GET /metrics` shows to whoever knows the token, from now on; None where there is none."""
    token = settings.metrics_token
    if token is None:
        return None
    collector = OperationsCollector(
        database,
        board,
        stored=lambda: ingest.stored,
        backlog=lambda: ingest.backlog,
        now=lambda: datetime.now(UTC),
        leads=leads,
    )
    registry = make_registry(collector)
    ingest.on_stored.append(PassageTimes(registry).observe)
    ProcessCollector(registry=registry)
    channels = [channel.name for channel in make_notice_channels(settings)]
    registry.register(EnrollmentCollector(database, channels, now=lambda: datetime.now(UTC)))
    registry.register(MeterCollector(database, now=lambda: datetime.now(UTC)))
    registry.register(ShowerCollector(database, showers))
    return Metrics(MetricsServices(registry, token.get_secret_value()), RequestTimes(registry))
