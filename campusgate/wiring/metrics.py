"""The server's figures for Prometheus."""

from datetime import UTC, datetime

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
from operations.metrics import OperationsCollector, make_registry


def make_metrics(
    settings: Settings, database: Database, board: Board, ingest: Ingest, showers: ShowerPort | None
) -> MetricsServices | None:
    """Return what `GET /metrics` shows to whoever knows the token; None where there is none."""
    token = settings.metrics_token
    if token is None:
        return None
    collector = OperationsCollector(
        database,
        board,
        stored=lambda: ingest.stored,
        backlog=lambda: ingest.backlog,
        now=lambda: datetime.now(UTC),
    )
    registry = make_registry(collector)
    channels = [channel.name for channel in make_notice_channels(settings)]
    registry.register(EnrollmentCollector(database, channels, now=lambda: datetime.now(UTC)))
    registry.register(MeterCollector(database, now=lambda: datetime.now(UTC)))
    registry.register(ShowerCollector(database, showers))
    return MetricsServices(registry, token.get_secret_value())
