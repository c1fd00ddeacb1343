"""Readings on each database: a row where something changed, the doubtful apart, nothing twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from database import Database
from metering.reader_contract import ReadingIn, ReadingsOut
from metering.readings import doubtful, store
from metering.readings.history import find_around, find_newest, to_reading
from metering.readings.store import KnownMeter
from metering.readings.tables import DoubtfulReading, MeterReading
from metering.readings.values import Doubt, Reading, Register
from metering.vocabulary import ReadingQuality, ReadingSource
from tests.databases import ON_SQLITE

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
REGISTER = Register(max_w=10_000)
METERS = {
    ONE: KnownMeter(1, "A1", ((NOW - timedelta(days=100), REGISTER),)),
    TWO: KnownMeter(2, "B2", ((NOW - timedelta(days=100), REGISTER),)),
}


def came(minute: float, digits: int, meter: UUID = ONE, **given_fields: object) -> ReadingIn:
    """A reading `minute` minutes after noon."""
    fields = {"meter": meter, "serial": METERS[meter].serial, "digits": digits, **given_fields}
    return ReadingIn.model_validate(fields | {"at": NOW + timedelta(minutes=minute)})


def take(database: Database, *readings: ReadingIn, now: datetime = NOW + timedelta(days=1)) -> ReadingsOut:
    with database.begin() as session:
        return store.store(session, readings, METERS, now)


def rows(database: Database, meter: int = 1) -> list[Reading]:
    with database.read() as session:
        query = select(MeterReading).where(MeterReading.meter == meter).order_by(MeterReading.at)
        return [to_reading(row) for row in session.scalars(query)]


def minutes(database: Database) -> list[tuple[float, float, int]]:
    """Every row of the first meter: minute, minute last seen, digits."""
    return [
        ((r.at - NOW).total_seconds() / 60, (r.seen_at - NOW).total_seconds() / 60, r.digits) for r in rows(database)
    ]


def test_a_row_is_made_only_where_the_value_changed(database: Database) -> None:
    assert take(database, came(0, 100), came(15, 100), came(30, 100), came(45, 101)).stored == 2
    assert take(database, came(60, 101)) == ReadingsOut(stored=0, unchanged=1, in_review=0)
    assert minutes(database) == [(0, 30, 100), (45, 60, 101)]


def test_sending_again_changes_nothing(database: Database) -> None:
    sent = [came(0, 100), came(15, 100), came(30, 110), came(45, 99), came(60, 115), came(1440 * 2, 120)]
    first = take(database, *sent)
    before = rows(database)
    again = take(database, *reversed(sent))
    assert (first.stored, first.unchanged, first.in_review) == (3, 1, 2)
    assert (again.stored, again.unchanged, again.in_review) == (0, 6, 0)
    assert rows(database) == before
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(DoubtfulReading)) == 2
        assert doubtful.count_waiting(session) == 1


def test_what_came_late_takes_its_place(database: Database) -> None:
    take(database, came(60, 140))
    assert take(database, came(0, 100), came(15, 100), came(30, 120), came(45, 150)).in_review == 1
    assert minutes(database) == [(0, 15, 100), (30, 30, 120), (60, 60, 140)]


def test_a_frozen_value_is_a_row_of_its_own_even_where_nothing_moved(database: Database) -> None:
    take(database, came(0, 100), came(30, 100))
    frozen = came(15, 100, source=ReadingSource.FROZEN)
    assert take(database, frozen).stored == 1
    assert take(database, frozen).stored == 0
    assert minutes(database) == [(0, 15, 100), (15, 30, 100)]
    assert rows(database)[1].source is ReadingSource.FROZEN


def test_a_frozen_value_at_the_time_of_a_cycles_names_its_source(database: Database) -> None:
    take(database, came(0, 100))
    assert take(database, came(0, 100, source=ReadingSource.FROZEN)).stored == 1
    assert [row.source for row in rows(database)] == [ReadingSource.FROZEN]


def test_tariff_registers_are_kept_with_the_total(database: Database) -> None:
    take(database, came(0, 100, tariffs=(10, 20, 30, 40)), came(15, 100), came(30, 100, tariffs=(10, 20, 31, 39)))
    assert [row.tariffs for row in rows(database)] == [(10, 20, 30, 40), (10, 20, 31, 39)]


def test_an_estimated_value_is_kept_as_one(database: Database) -> None:
    take(database, came(0, 100, quality=ReadingQuality.ESTIMATED), came(15, 100))
    assert [row.quality for row in rows(database)] == [ReadingQuality.ESTIMATED, ReadingQuality.GOOD]


def test_a_reading_of_an_unknown_meter_is_refused_and_the_others_are_taken(database: Database) -> None:
    strange = came(0, 1).model_copy(update={"meter": UUID(int=9)})
    answer = take(database, came(0, 100), strange, came(0, 5, TWO))
    assert (answer.stored, [(one.index, one.code) for one in answer.refused]) == (2, [(1, "unknown-meter")])


def test_doubtful_readings_of_a_meter_in_a_row_wait_in_one_review(database: Database) -> None:
    take(database, came(0, 100))
    assert take(database, came(15, 9_000), came(30, 9_000), came(45, 9_010), came(0, 7, TWO)).in_review == 3
    with database.read() as session:
        (review,) = doubtful.find_waiting(session)
        kept = doubtful.find_of(session, review.id)
    assert (review.meter, review.doubt, review.readings) == (1, Doubt.IMPLAUSIBLE_STEP, 3)
    assert [(row.digits, row.doubt) for row in kept] == [
        (9_000, Doubt.IMPLAUSIBLE_STEP),
        (9_010, Doubt.IMPLAUSIBLE_STEP),
    ]
    assert minutes(database) == [(0, 0, 100)]


def test_days_after_a_jump_its_series_is_still_not_billed(database: Database) -> None:
    take(database, came(0, 100))
    take(database, came(15, 20_000))
    later = came(60 * 24 * 3, 20_100)
    assert take(database, later, now=NOW + timedelta(days=4)).in_review == 1
    assert minutes(database) == [(0, 0, 100)]


def test_a_whole_cycle_is_stored_at_once_and_found_again(database: Database) -> None:
    meters = {UUID(int=n): KnownMeter(n, "S", ((NOW, REGISTER),)) for n in range(1, 401)}
    cycles = [
        [
            ReadingIn(meter=m, serial="S", at=NOW + timedelta(minutes=15 * c), digits=100 + c * (m.int % 2))
            for m in meters
        ]
        for c in range(3)
    ]
    for cycle in cycles:
        with database.begin() as session:
            store.store(session, cycle, meters, NOW + timedelta(hours=1))
    with database.read() as session:
        newest = find_newest(session, range(1, 401), NOW + timedelta(hours=1))
        assert session.scalar(select(func.count()).select_from(MeterReading)) == 200 + 200 * 3
    assert {row.digits for row in newest.values()} == {100, 102}
    assert {row.seen_at for row in newest.values()} == {NOW + timedelta(minutes=30)}


def test_the_newest_reading_of_a_meter_silent_for_months_is_found(database: Database) -> None:
    take(database, came(0, 100))
    with database.read() as session:
        assert find_newest(session, [1, 2], NOW + timedelta(days=200))[1].digits == 100


def test_readings_around_a_time_are_those_that_say_its_value(database: Database) -> None:
    take(database, *(came(minute, 100 + minute) for minute in (0, 15, 30, 45)))
    with database.read() as session:
        found = find_around(session, 1, NOW + timedelta(minutes=16), NOW + timedelta(minutes=29))
    assert [row.digits for row in found] == [115, 130]


@ON_SQLITE
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), min_size=1, max_size=12))
def test_whatever_comes_in_whatever_order_no_row_contradicts_another(
    database: Database, values: list[tuple[int, int]]
) -> None:
    with database.begin() as session:
        session.execute(delete(MeterReading))
        session.execute(delete(DoubtfulReading))
    for minute, digits in values:
        take(database, came(minute, digits))
    kept = rows(database)
    assert kept
    for old, new in pairwise(kept):
        assert old.seen_at < new.at
        assert old.digits <= new.digits


def frozen(minute: float, digits: int) -> ReadingIn:
    return came(minute, digits, source=ReadingSource.FROZEN)


@pytest.mark.parametrize(
    ("cycle", "said", "stored", "quality"),
    [
        # half a minute slow, so that it froze after it was read
        ([(-15, 100), (0.1, 110)], 111, 110, ReadingQuality.ESTIMATED),
        ([(-15, 100), (0.1, 100)], 101, 100, ReadingQuality.GOOD),
        # fast, so that it froze before it was read
        ([(-0.5, 109), (15, 120)], 108, 109, ReadingQuality.ESTIMATED),
        ([(-15, 100), (0.1, 110)], 109, 109, ReadingQuality.GOOD),
    ],
)
def test_a_value_that_a_slow_or_fast_clock_froze_bothers_nobody(
    database: Database, cycle: list[tuple[float, int]], said: int, stored: int, quality: ReadingQuality
) -> None:
    take(database, *(came(*one) for one in cycle))
    for _ in range(2):
        assert take(database, frozen(0, said)).in_review == 0
    (midnight,) = [row for row in rows(database) if row.at == NOW]
    assert (midnight.digits, midnight.quality, midnight.source) == (stored, quality, ReadingSource.FROZEN)


@pytest.mark.parametrize(("cycle", "said"), [((0.1, 110), 300), ((20, 110), 111), ((0.1, 100), 250)])
def test_a_frozen_value_that_no_clock_explains_waits_for_a_person(
    database: Database, cycle: tuple[float, int], said: int
) -> None:
    take(database, came(-15, 100), came(*cycle))
    assert take(database, frozen(0, said)).in_review == 1
