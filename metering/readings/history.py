"""Readings as they are stored: those around a time, the newest of many meters, and a person's questions."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, Integer, Row, column, func, select, text
from sqlalchemy.orm import Session

from database.advisory_locks import AdvisoryLock
from metering.readings.judgement import LEADING_DOUBTS
from metering.readings.tables import DoubtfulReading, MeterReading, ReadingReview
from metering.readings.values import Reading, ReviewState

_RECENT = timedelta(days=40)
"""Newest readings are looked for from here on first, so that PostgreSQL asks two partitions instead of all."""


def lock(session: Session) -> None:
    """Wait until no other transaction stores readings: each is judged by the ones before it."""
    # SQLite has one writer at a time anyway.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": AdvisoryLock.READINGS})


def to_reading(row: MeterReading | Row[Any]) -> Reading:
    """Return a row as a value."""
    tariffs = (row.tariff_1, row.tariff_2, row.tariff_3, row.tariff_4)
    given = tuple(digits for digits in tariffs if digits is not None)
    return Reading(row.at, row.seen_at, row.digits, row.source, row.quality, given)


def find_newest(session: Session, meters: Collection[int], now: datetime) -> dict[int, Reading]:
    """Return the newest reading of each of `meters` that has one, in two questions for all of them."""
    found = _newest(session, meters, now - _RECENT)
    missing = set(meters) - found.keys()
    return found | (_newest(session, missing, None) if missing else {})


def find_newest_doubtful(session: Session, meters: Collection[int]) -> dict[int, DoubtfulReading]:
    """Return the newest reading with a doubtful value of each of `meters`, unless a person took it for good."""
    standing = ReadingReview.state.in_((ReviewState.WAITING, ReviewState.REJECTED))
    newest = (
        select(DoubtfulReading.meter, func.max(DoubtfulReading.at).label("at"))
        .join(ReadingReview, ReadingReview.id == DoubtfulReading.review_id)
        .where(standing, DoubtfulReading.doubt.in_(LEADING_DOUBTS))
        .group_by(DoubtfulReading.meter)
        .subquery()
    )
    rows = session.scalars(
        select(DoubtfulReading).join(
            newest, (newest.c.meter == DoubtfulReading.meter) & (newest.c.at == DoubtfulReading.at)
        )
    )
    wanted = set(meters)
    return {row.meter: row for row in rows if row.meter in wanted}


def find_withdrawn(session: Session, meters: Collection[int], since: datetime) -> dict[int, dict[datetime, int]]:
    """Return, by meter and time from `since` on, which digits a person took back."""
    query = select(DoubtfulReading.meter, DoubtfulReading.at, DoubtfulReading.digits).join(
        ReadingReview, ReadingReview.id == DoubtfulReading.review_id
    )
    found: dict[int, dict[datetime, int]] = {}
    for meter, at, digits in session.execute(
        query.where(ReadingReview.state == ReviewState.WITHDRAWN, DoubtfulReading.at >= since)
    ):
        if meter in meters:
            found.setdefault(meter, {})[at] = digits
    return found


def find_around(
    session: Session, meter: int, start: datetime, end: datetime, *, limit: int | None = None
) -> Sequence[MeterReading]:
    """Return a meter's readings from the last one that began by `start` to the first one that began after `end`."""
    begins = session.scalar(
        select(func.max(MeterReading.at)).where(MeterReading.meter == meter, MeterReading.at <= start)
    )
    ends = session.scalar(select(func.min(MeterReading.at)).where(MeterReading.meter == meter, MeterReading.at > end))
    query = select(MeterReading).where(MeterReading.meter == meter).order_by(MeterReading.at).limit(limit)
    query = query.where(MeterReading.at >= (start if begins is None else begins))
    return session.scalars(query.where(MeterReading.at <= (end if ends is None else ends))).all()


def _newest(session: Session, meters: Collection[int], since: datetime | None) -> dict[int, Reading]:
    if not meters:
        return {}
    wanted = _table_of(session)
    newest = select(func.max(MeterReading.at)).where(MeterReading.meter == wanted.c.meter)
    if since is not None:
        newest = newest.where(MeterReading.at >= since)
    # The times first: what joined them would be asked for each reading of a meter, instead of once.
    at = select(wanted.c.meter, newest.scalar_subquery().label("at")).cte("newest")
    query = select(*MeterReading.__table__.c).join_from(
        at, MeterReading, (at.c.meter == MeterReading.meter) & (at.c.at == MeterReading.at)
    )
    if since is not None:
        query = query.where(MeterReading.at >= since)
    rows = session.execute(query, {"meters": _array_of(session, meters)})
    return {row.meter: to_reading(row) for row in rows}


def _table_of(session: Session) -> CTE:
    """Return a table of the parameter `meters`, whose statement is the same for any number of them."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    rows = "json_each(:meters)" if is_sqlite else "unnest(CAST(:meters AS integer[])) AS numbers (value)"
    return text(f"SELECT value AS meter FROM {rows}").columns(column("meter", Integer)).cte("wanted")  # noqa: S608


def _array_of(session: Session, meters: Collection[int]) -> str | list[int]:
    numbers = sorted(meters)
    return json.dumps(numbers) if session.get_bind().dialect.name == "sqlite" else numbers
