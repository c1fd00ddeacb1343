"""`GET /health`: whether the server can do its work, for a supervisor or a load balancer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from database import Database, DatabaseBusyError, StorageError
from operations.connections import ServerConnections
from web.storage_probe import StorageProbe

log = structlog.get_logger()
router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """`broker` may be down while gates go on deciding; without the database nothing is answered.

    `broker` tells whether the gates are heard, `orders` whether orders can be given; `contested` names the connections
    that are ended again and again, as when another client takes their ids: what stands now will not for long.
    `storage` is `ok` when a write was just taken, or else says why not; then nobody signs in and nothing is paid.
    """

    status: Literal["ok", "degraded", "down"]
    database: bool
    broker: bool
    orders: bool
    contested: str | None = None
    storage: Literal["ok", "full", "read_only", "damaged", "missing", "unreachable"]


@dataclass(frozen=True, slots=True)
class HealthServices:
    """What is asked."""

    database: Database
    connections: ServerConnections
    storage: StorageProbe


async def _services(request: Request) -> HealthServices:
    services: HealthServices = request.app.state.health
    return services


@router.get("/health", responses={503: {"model": Health}})
def health(services: Annotated[HealthServices, Depends(_services)], response: Response) -> Health:
    """Answer 200 while the database answers and takes writes, 503 otherwise."""
    database, connections = _answers(services.database), services.connections
    broker, orders, contested = connections.events.connected, connections.orders.connected, connections.contested()
    fault = services.storage.fault(datetime.now(UTC))
    response.headers["Cache-Control"] = "no-store"
    if not database or fault is not None:
        response.status_code = 503
    status: Literal["ok", "degraded", "down"] = "degraded"
    if not database:
        status = "down"
    elif broker and orders and contested is None and fault is None:
        status = "ok"
    return Health(
        status=status, database=database, broker=broker, orders=orders, contested=contested, storage=fault or "ok"
    )


def _answers(database: Database) -> bool:
    try:
        with database.read() as session:
            session.execute(text("SELECT 1"))
    except (SQLAlchemyError, DatabaseBusyError, StorageError):
        log.warning("database_does_not_answer")
        return False
    return True
