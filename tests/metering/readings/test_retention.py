"""Old readings: months as partitions, thinned out so that every midnight keeps its value."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text

from database import Database
from metering.readings.course import Course
from metering.readings.history import to_reading
from metering.readings.partitions import make_partitions
from metering.readings.retention import thin_out
from metering.readings.store import to_columns
from metering.readings.tables import DEFAULT_PARTITION, MeterReading, ReadingRetention
from metering.readings.values import Reading, Register
from metering.vocabulary import ReadingSource
from tests.databases import ON_SQLITE

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=ZONE)
DAYS = [datetime.combine(date(2026, 6, 1) + timedelta(days=n), time(), ZONE) for n in range(1, 5)]


def put(database: Database, *readings: Reading, meter: int = 1) -> None:
    with database.begin() as session:
        session.execute(insert(MeterReading), [to_columns(meter, reading) for reading in readings])


def kept(database: Database, meter: int = 1) -> tuple[Reading, ...]:
    with database.read() as session:
        query = select(MeterReading).where(MeterReading.meter == meter).order_by(MeterReading.at)
        return tuple(to_reading(row) for row in session.scalars(query))


def every(minutes: int, start: datetime, end: datetime) -> list[Reading]:
    count = int((end - start) / timedelta(minutes=minutes))
    instants = [start + timedelta(minutes=minutes * n) for n in range(count)]
    return [Reading(at, at, 100 + n) for n, at in enumerate(instants)]


def midnights(readings: tuple[Reading, ...]) -> list[int]:
    course = Course(UUID(int=1), "A1", Register(), readings)
    known = [day for day in DAYS if course.begins_at <= day <= course.known_until]
    return [course.value_at(day).digits for day in known]


def test_of_an_old_day_the_first_and_last_reading_stay_and_of_a_new_one_all(database: Database) -> None:
    make_partitions(database, JUNE)
    old = every(15, JUNE + timedelta(minutes=5), JUNE + timedelta(days=3))
    new = every(15, NOW - timedelta(days=2), NOW)
    put(database, *old, *[Reading(one.at, one.at, one.digits + 9_000) for one in new])
    thin_out(database, ZONE, NOW)
    left = kept(database)
    assert len(left) == 3 * 2 + len(new)
    assert midnights(left[:6]) == midnights(tuple(old))


def test_where_midnights_are_frozen_one_reading_a_day_stays(database: Database) -> None:
    make_partitions(database, JUNE)
    readings = every(15, JUNE, JUNE + timedelta(days=4))
    put(
        database,
        *(
            Reading(one.at, one.at, one.digits, ReadingSource.FROZEN) if one.at in {JUNE, *DAYS} else one
            for one in readings
        ),
    )
    thin_out(database, ZONE, NOW)
    left = kept(database)
    assert [one.at for one in left] == [JUNE, *DAYS[:3], readings[-1].at]
    thin_out(database, ZONE, NOW + timedelta(days=1))
    assert kept(database) == left


@ON_SQLITE
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), min_size=1, max_size=25))
def test_every_midnight_keeps_its_value(database: Database, steps: list[tuple[int, int]]) -> None:
    at, readings = JUNE, []
    for digits, (gap, seen) in enumerate(steps):
        at += timedelta(hours=gap)
        readings.append(Reading(at, at + timedelta(hours=seen), digits * 1_000))
        at += timedelta(hours=seen)
    with database.begin() as session:
        session.execute(delete(MeterReading))
        session.execute(delete(ReadingRetention))
    put(database, *readings)
    before = kept(database)
    thin_out(database, ZONE, NOW)
    assert midnights(kept(database)) == midnights(before)


def test_a_day_that_was_missed_is_thinned_out_later(database: Database) -> None:
    make_partitions(database, JUNE)
    put(database, *every(60, JUNE, JUNE + timedelta(days=1)))
    thin_out(database, ZONE, JUNE + timedelta(days=60))
    assert len(kept(database)) == 24
    thin_out(database, ZONE, NOW + timedelta(days=30))
    assert len(kept(database)) == 2


def test_months_are_partitions_and_what_came_before_them_moves_in(database: Database) -> None:
    put(database, *every(60, NOW - timedelta(days=3), NOW))
    made = make_partitions(database, NOW)
    assert make_partitions(database, NOW) == []
    assert len(kept(database)) == 72
    if database.is_sqlite:
        assert made == []
        return
    assert made == [f"meter_readings_{month}" for month in ("2026_09", "2026_10", "2026_11", "2026_12", "2027_01")]
    with database.read() as session:
        assert session.scalar(text(f"SELECT count(*) FROM {DEFAULT_PARTITION}")) == 0
        assert session.scalar(text("SELECT count(*) FROM meter_readings_2026_11")) == 72


def test_an_old_months_partition_is_exchanged_for_a_thin_one(database: Database) -> None:
    make_partitions(database, JUNE)
    for meter in (1, 2):
        put(database, *every(60, JUNE - timedelta(days=1), JUNE + timedelta(days=45)), meter=meter)
    before = kept(database, 2)
    thin_out(database, ZONE, datetime(2026, 10, 1, tzinfo=UTC))
    left = kept(database, 2)
    assert midnights(left) == midnights(before)
    july = datetime(2026, 7, 3, tzinfo=UTC)
    # On PostgreSQL a month goes when the whole of it is old.
    assert sum(one.at < july - timedelta(days=2) for one in left) <= 2 * 33
    assert [one for one in left if one.at >= july] == [one for one in before if one.at >= july]
    put(database, Reading(JUNE + timedelta(minutes=1), JUNE + timedelta(minutes=1), 1), meter=3)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(MeterReading).where(MeterReading.meter == 3)) == 1
