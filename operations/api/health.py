"""`GET /health`: whether the server can do its work, for a supervisor or a load balancer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from database import Database, DatabaseBusyError, StorageError, answer_within
from database.storage import StorageFault
from operations.connections import ServerConnections
from web.storage_probe import StorageProbe

log = structlog.get_logger()
router = APIRouter(tags=["operations"])

_ANSWER_WITHIN_S = 2.0
"""A supervisor or a balancer waits for some seconds before it takes the server itself for one that hangs."""


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
    thread: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))


async def _services(request: Request) -> HealthServices:
    services: HealthServices = request.app.state.health
    return services


@router.get("/health", responses={503: {"model": Health}})
async def health(services: Annotated[HealthServices, Depends(_services)], response: Response) -> Health:
    """Answer 200 while the database answers and takes writes, 503 otherwise, also where it hangs."""
    connections = services.connections
    broker, orders, contested = connections.events.connected, connections.orders.connected, connections.contested()
    # In a thread of its own: all others may be waiting for a database that hangs.
    database, fault = await to_thread.run_sync(_look, services, limiter=services.thread)
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


def _look(services: HealthServices) -> tuple[bool, StorageFault | None]:
    """Return whether the database answers, and why it takes no writes."""
    with answer_within(_ANSWER_WITHIN_S):
        try:
            with services.database.read() as session:
                session.execute(text("SELECT 1"))
        except (SQLAlchemyError, DatabaseBusyError) as error:
            log.warning("database_does_not_answer")
            return False, error.fault if isinstance(error, StorageError) else "unreachable"
        return True, services.storage.fault(datetime.now(UTC))
