"""The server's figures for Prometheus."""

from datetime import UTC, datetime

from pydantic import SecretStr

from database import Database
from operations.api.metrics import MetricsServices
from operations.board import Board
from operations.ingest import Ingest
from operations.metrics import OperationsCollector, make_registry


def make_metrics(token: SecretStr | None, database: Database, board: Board, ingest: Ingest) -> MetricsServices | None:
    """Return what `GET /metrics` shows to whoever knows `token`; None where there is none."""
    if token is None:
        return None
    collector = OperationsCollector(
        database,
        board,
        stored=lambda: ingest.stored,
        backlog=lambda: ingest.backlog,
        now=lambda: datetime.now(UTC),
    )
    return MetricsServices(make_registry(collector), token.get_secret_value())
