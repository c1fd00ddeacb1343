"""Months of readings as partitions, on PostgreSQL only: made ahead, and exchanged for thin ones when they are old.

Months are those of UTC. Dropping a partition costs nothing; deleting its rows would leave the table full of holes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from database import Database
from metering.readings import history
from metering.readings.tables import DEFAULT_PARTITION

_BEHIND, _AHEAD = timedelta(days=62), timedelta(days=62)
"""As far back as readings come late, and two months ahead, should the job not run for as long."""


def make_partitions(database: Database, now: datetime) -> list[str]:
    """Make the partitions that are missing around `now`; return their names. Nothing to do on SQLite."""
    if database.is_sqlite:
        return []
    made = []
    for month in months_between(now - _BEHIND, now + _AHEAD):
        with database.begin() as session:
            if not _exists(session, name_of(month)):
                _make(session, month)
                made.append(name_of(month))
    return made


def name_of(month: datetime) -> str:
    """Return the name of a month's partition."""
    return f"meter_readings_{month:%Y_%m}"


def months_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """Return the beginning of each month (UTC) from that of `start` to that of `end`."""
    month = start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= end:
        yield month
        month = next_month(month)


def next_month(month: datetime) -> datetime:
    """Return the beginning of the month after one that begins at `month`."""
    return (month + timedelta(days=32)).replace(day=1)


def exchange(session: Session, month: datetime, kept: str) -> bool:
    """Exchange a month's partition for one with the rows that the query `kept` returns; False where there is none."""
    name = name_of(month)
    if not _exists(session, name):
        return False
    session.execute(text(f"CREATE TABLE {name}_thin (LIKE meter_readings INCLUDING ALL)"))
    session.execute(text(f"INSERT INTO {name}_thin {kept}"))
    session.execute(text(f"ALTER TABLE meter_readings DETACH PARTITION {name}"))
    session.execute(text(f"DROP TABLE {name}"))
    session.execute(text(f"ALTER TABLE {name}_thin RENAME TO {name}"))
    session.execute(text(_attach(month)))
    return True


def _make(session: Session, month: datetime) -> None:
    """Make a month's partition; what the default one took of that month meanwhile moves over."""
    history.lock(session)
    first, last = _bounds(month)
    session.execute(text(f"CREATE TABLE {name_of(month)} (LIKE meter_readings INCLUDING ALL)"))
    moved = f"DELETE FROM {DEFAULT_PARTITION} WHERE at >= {first} AND at < {last} RETURNING *"  # noqa: S608 - nothing from outside
    session.execute(text(f"WITH moved AS ({moved}) INSERT INTO {name_of(month)} SELECT * FROM moved"))  # noqa: S608
    session.execute(text(_attach(month)))


def _attach(month: datetime) -> str:
    first, last = _bounds(month)
    return f"ALTER TABLE meter_readings ATTACH PARTITION {name_of(month)} FOR VALUES FROM ({first}) TO ({last})"


def _bounds(month: datetime) -> tuple[int, int]:
    return int(month.timestamp()), int(next_month(month).timestamp())


def _exists(session: Session, name: str) -> bool:
    return session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None
