"""Runs jobs when they are due. Each job may be run at any time, twice, or after a crash.

What a wrong clock would erase or close for good waits while the clock is in doubt (`operations.server_clock`); the
others go by the earlier of the two times that may be right, so that nothing is given up too soon.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from database import DatabaseBusyError, StorageError, answer_within
from operations.clock_guard import ClockGuard

log = structlog.get_logger()

_POLL_S = 1.0
"""Half of the shortest interval, which is that of the journal's seal."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done every `every`, given the time (aware UTC)."""

    name: str
    every: timedelta
    do: Callable[[datetime], Any]
    by_age: bool = False
    """It erases, ends or closes what is old enough, which nobody can take back."""
    takes_long: bool = False
    """Its statements may take as long as they take: they go through months of rows."""


def run_jobs(jobs: Sequence[Job], stop: threading.Event, clock: ClockGuard) -> None:
    """Do every job when it is due until `stop` is set; one that fails is tried again at its next time."""
    due = {job.name: datetime.min.replace(tzinfo=UTC) for job in jobs}
    waits_for: str | None = None
    while not stop.wait(_POLL_S):
        for job in jobs:
            try:
                now, doubt = clock.check()
            except (SQLAlchemyError, DatabaseBusyError) as error:
                # Once, not at each round: the log may share its disk with a database that found it full.
                if waits_for != type(error).__name__:
                    waits_for = type(error).__name__
                    log.warning("clock_not_looked_at", error=waits_for)
                break
            waits_for = None
            # A clock that was set back must not stop the jobs for as long.
            if due[job.name] > now + job.every:
                due[job.name] = now
            if due[job.name] <= now and not (job.by_age and doubt is not None):
                due[job.name] = now + job.every
                _do(job, now)


def _do(job: Job, now: datetime) -> None:
    try:
        with answer_within(None) if job.takes_long else nullcontext():
            job.do(now)
    except (StorageError, DatabaseBusyError) as error:
        # The sentence says it; thirty jobs with a trace each would fill the disk that may be what is full.
        log.warning("job_waits_for_database", job=job.name, why=str(error))
    except Exception:
        log.exception("job_failed", job=job.name)
