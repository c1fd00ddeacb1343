"""`GET /health`: whether the server can do its work, for a supervisor or a load balancer."""

from dataclasses import dataclass
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bus import Connection
from database import Database, DatabaseBusyError

log = structlog.get_logger()
router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """`broker` may be down while gates go on deciding; without the database nothing is answered."""

    status: Literal["ok", "degraded", "down"]
    database: bool
    broker: bool


@dataclass(frozen=True, slots=True)
class HealthServices:
    """What is asked."""

    database: Database
    bus: Connection


def _services(request: Request) -> HealthServices:
    services: HealthServices = request.app.state.health
    return services


@router.get("/health", responses={503: {"model": Health}})
def health(services: Annotated[HealthServices, Depends(_services)], response: Response) -> Health:
    """Answer 200 while the database answers, 503 otherwise."""
    database, broker = _answers(services.database), services.bus.connected
    response.headers["Cache-Control"] = "no-store"
    if not database:
        response.status_code = 503
    status: Literal["ok", "degraded", "down"] = "down" if not database else "ok" if broker else "degraded"
    return Health(status=status, database=database, broker=broker)


def _answers(database: Database) -> bool:
    try:
        with database.read() as session:
            session.execute(text("SELECT 1"))
    except (SQLAlchemyError, DatabaseBusyError):
        log.warning("database_does_not_answer")
        return False
    return True
