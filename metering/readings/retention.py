"""How long readings are kept: one by one for 90 days, then those that say the value of each midnight, for ever.

Of an older day stay each meter's first and last reading, or only the one at midnight where there is one: what a
register showed at a midnight, which bills are made of, is the same before and after.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from database import Database
from metering.readings import history, partitions
from metering.readings.tables import DoubtfulReading, MeterReading, ReadingRetention, ReadingReview

KEPT_ONE_BY_ONE = timedelta(days=90)
DOUBTFUL_KEPT = timedelta(days=365)
"""After the decision: as long as somebody may ask why they were or were not billed."""
_METERS_AT_ONCE = 50
"""On SQLite, where nobody else writes meanwhile: some 5,000 rows of a day, a few milliseconds."""

_IS_NO_MIDNIGHT = """
    r.at > {begins} AND r.at < {ends}
    AND EXISTS (SELECT 1 FROM meter_readings x WHERE x.meter = r.meter AND x.at >= {begins} AND x.at < r.at)
    AND EXISTS (SELECT 1 FROM meter_readings y WHERE y.meter = r.meter AND y.at > r.at AND y.at <= {ends})
"""
"""A reading inside of a day with an earlier one in it and a later one until its end says nothing of a midnight."""


def thin_out(database: Database, zone: ZoneInfo, now: datetime) -> None:
    """Thin out days that are older than 90 days and were not yet; on PostgreSQL, months that are over for as long."""
    _forget_doubtful(database, now)
    # Months are those of UTC, days those of the campus.
    days_of = zone if database.is_sqlite else ZoneInfo("UTC")
    with database.read() as session:
        start = _find_start(session, days_of)
    if start is None:
        return
    until = (now - KEPT_ONE_BY_ONE).astimezone(days_of).date()
    if database.is_sqlite:
        _thin_days(database, start, until, zone)
    else:
        _thin_months(database, start, until, zone)


def _find_start(session: Session, days_of: ZoneInfo) -> date | None:
    """Return the first day that was not thinned out; None where there is no reading."""
    kept = session.get(ReadingRetention, 1)
    if kept is not None:
        return kept.thinned_until
    oldest = session.scalar(select(func.min(MeterReading.at)))
    return None if oldest is None else oldest.astimezone(days_of).date()


def _thin_days(database: Database, start: date, until: date, zone: ZoneInfo) -> None:
    if start >= until:
        return
    days = list(_days(start, until, zone))
    last = -1
    while True:
        with database.begin() as session:
            meters = _meters_after(session, last)
            for meter in meters:
                for begins, ends in days:
                    _thin_day(session, begins, ends, meter)
        if not meters:
            break
        last = meters[-1]
    with database.begin() as session:
        _note(session, until)


def _thin_months(database: Database, start: date, until: date, zone: ZoneInfo) -> None:
    """Exchange whole months; what lies in none, such as a reading of long ago, is deleted day by day."""
    limit = datetime.combine(until, time(), UTC)
    for month in partitions.months_between(datetime.combine(start, time(), UTC), limit):
        ends = partitions.next_month(month)
        if ends > limit:
            return
        days = list(_days(_day_of(month, zone), _day_of(ends, zone) + timedelta(days=1), zone))
        with database.begin() as session:
            history.lock(session)
            if not partitions.exchange(session, month, _kept_of(month, ends, days)):
                for begins, over in days:
                    _thin_day(session, begins, over, None)
            _note(session, ends.date())


def _kept_of(month: datetime, ends: datetime, days: list[tuple[int, int]]) -> str:
    """Return the query for a month's readings that stay."""
    listed = ", ".join(f"({begins}, {over})" for begins, over in days)
    goes = _IS_NO_MIDNIGHT.format(begins="d.begins", ends="d.ends")
    return f"""
        SELECT r.* FROM meter_readings r
        JOIN (VALUES {listed}) AS d (begins, ends) ON r.at >= d.begins AND r.at < d.ends
        WHERE r.at >= {int(month.timestamp())} AND r.at < {int(ends.timestamp())} AND NOT ({goes})
    """  # noqa: S608 - whole numbers only


def _thin_day(session: Session, begins: int, ends: int, meter: int | None) -> None:
    where = "" if meter is None else "r.meter = :meter AND "
    goes = _IS_NO_MIDNIGHT.format(begins=":begins", ends=":ends")
    statement = text(f"DELETE FROM meter_readings AS r WHERE {where}{goes}")  # noqa: S608 - nothing from outside
    given = {"begins": begins, "ends": ends} | ({} if meter is None else {"meter": meter})
    session.execute(statement, given)


def _meters_after(session: Session, last: int) -> list[int]:
    """Return the next meters with readings by number, each found by one step into the key."""
    found: list[int] = []
    while len(found) < _METERS_AT_ONCE:
        following = select(func.min(MeterReading.meter)).where(MeterReading.meter > (found[-1] if found else last))
        meter = session.scalar(following)
        if meter is None:
            break
        found.append(meter)
    return found


def _days(start: date, until: date, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Return the campus's days from `start` to before `until`, as seconds."""
    while start < until:
        following = start + timedelta(days=1)
        yield _midnight(start, zone), _midnight(following, zone)
        start = following


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())


def _day_of(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _note(session: Session, until: date) -> None:
    session.merge(ReadingRetention(id=1, thinned_until=until))


def _forget_doubtful(database: Database, now: datetime) -> None:
    """Delete doubtful readings that were decided on long ago; what was decided stays."""
    decided = select(ReadingReview.id).where(ReadingReview.decided_at < now - DOUBTFUL_KEPT)
    with database.begin() as session:
        session.execute(delete(DoubtfulReading).where(DoubtfulReading.review_id.in_(decided)))
