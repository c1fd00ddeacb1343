"""What the server does by itself for computer rooms and the internet; devices may be slow to answer."""

from datetime import datetime, timedelta
from functools import partial

from campusgate.processes.jobs.schedule import Job
from database import Database
from network_access import keeper
from network_access.keeper import NetworkKeeper


def make_network_jobs(database: Database, network: NetworkKeeper, kept: timedelta) -> list[Job]:
    """Return what disconnects, closes what is silent, and forgets after `kept`."""
    return [
        Job("disconnect sessions", timedelta(seconds=5), network.disconnect_due),
        Job("close silent sessions", timedelta(seconds=30), network.close_silent, by_age=True),
        Job("forget sessions", timedelta(days=1), partial(_forget, database, kept), by_age=True),
    ]


def _forget(database: Database, kept: timedelta, now: datetime) -> None:
    with database.begin() as session:
        keeper.forget(session, now - kept)
