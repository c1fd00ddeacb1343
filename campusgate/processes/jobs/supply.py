"""What the server does by itself about rooms' supply: looking at each again, and telling their meters what follows."""

from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from campusgate.processes.jobs.schedule import Job
from database import Database
from metering.supply import housekeeping
from metering.supply.review import SupplyKeeper

log = structlog.get_logger()


def make_supply_jobs(database: Database, keeper: SupplyKeeper) -> list[Job]:
    """Return what reviews rooms; a room must not go dark by a clock that is in doubt."""
    return [
        Job("review supplies", timedelta(seconds=5), partial(review_due, database, keeper), by_age=True),
        Job("forget old orders to meters", timedelta(days=1), partial(housekeeping.forget, database), by_age=True),
    ]


def review_due(database: Database, keeper: SupplyKeeper, now: datetime) -> int:
    """Review the rooms that are due, each in a transaction of its own, and return how many were."""
    with database.read() as session:
        due = keeper.find_due(session, now=now)
    for room_id in due:
        try:
            with database.begin() as session:
                keeper.review(session, room_id, now=now)
        except (SQLAlchemyError, LookupError) as error:
            log.warning("room_not_reviewed", room=str(room_id), error=type(error).__name__)
    return len(due)
