"""What turned out wrong is taken back, and the bills follow to the fen."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from metering.billing import run
from metering.readings.tables import DoubtfulReading, ReadingReview
from metering.readings.values import Doubt, Register, ReviewState
from metering.rooms import installation, meters, withdrawals
from metering.rooms.installation import MeterCountsError, ReadingContradictedError, Stand
from metering.rooms.tables import MeterPeriod
from metering.rooms.withdrawals import Correction, ReadingOfPeriodError, ReadingSettledError
from metering.vocabulary import ReadingSource
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.electricity_cases import FIRST, at
from tests.metering.hall import Hall
from web.problems import NotFoundError

pytestmark = ON_SQLITE


DAY = timedelta(days=1)
WHY = {"reason": "it was the meter of next door", "by": "person:x"}


@pytest.fixture
def room(hall: Hall) -> UUID:
    hall.plan(5000)
    return hall.room("a", shows=1_000)


def meter_of(hall: Hall, room: UUID) -> UUID:
    with hall.database.read() as session:
        (meter,) = meters.find_meters_of(session, room)
        return meter.id


def period_of(hall: Hall, meter: UUID) -> UUID:
    with hall.database.read() as session:
        return session.scalars(select(MeterPeriod.id).where(MeterPeriod.meter_id == meter)).one()


def withdraw(hall: Hall, meter: UUID, start: datetime, end: datetime | None = None) -> withdrawals.Withdrawn:
    with hall.database.begin() as session:
        return withdrawals.withdraw_readings(session, meter, start, end or start, now=hall.clock.now, **WHY)


def fen(hall: Hall, room: UUID) -> list[int]:
    return [one.fen for one in hall.charges(room)]


def test_a_reading_taken_back_corrects_the_bill_of_its_days(hall: Hall, room: UUID) -> None:
    meter = meter_of(hall, room)
    hall.read(room, at(FIRST + DAY), 9_000)  # the meter of next door: 80 kWh
    hall.read(room, at(FIRST + 3 * DAY), 10_000)
    hall.read(room, at(FIRST + 2 * DAY), 9_000)
    hall.bill(room, days=3)
    assert fen(hall, room) == [4_000, 0, 500]
    gone = withdraw(hall, meter, at(FIRST + DAY), at(FIRST + 2 * DAY))
    assert [one.digits for one in gone.readings] == [9_000, 9_000]
    assert (gone.before.digits, gone.after.digits) == (1_000, 10_000)
    hall.bill(room, days=3)
    assert fen(hall, room) == [1_500, 1_500, 1_500]
    assert hall.balance(room) == -4_500
    with hall.database.read() as session:
        (review,) = session.scalars(select(ReadingReview)).all()
        kept = session.scalars(select(DoubtfulReading)).all()
    assert (review.state, review.note, review.decided_by) == (ReviewState.WITHDRAWN, WHY["reason"], "person:x")
    assert {(one.digits, one.doubt) for one in kept} == {(9_000, Doubt.WITHDRAWN)}


def test_what_a_person_does_not_confirm_changes_nothing(hall: Hall, room: UUID) -> None:
    meter = meter_of(hall, room)
    hall.use(room, [1, 1], shows=1_000)
    with hall.database.begin() as session:
        seen = withdrawals.foresee(session, meter, at(FIRST + DAY), at(FIRST + DAY), now=hall.clock.now + 2 * DAY)
    assert [one.digits for one in seen.readings] == [1_100]
    assert hall.bill(room, days=2).days == 2
    assert not any(one.is_estimated for one in hall.charges(room))


@ON_BOTH
def test_a_first_value_is_corrected_and_never_left_out(hall: Hall, room: UUID) -> None:
    meter, period = meter_of(hall, room), period_of(hall, meter_of(hall, room))
    hall.read(room, at(FIRST + DAY), 1_500)
    hall.bill(room)
    assert fen(hall, room) == [250]
    with pytest.raises(ReadingOfPeriodError):
        withdraw(hall, meter, at(FIRST))
    with hall.database.begin() as session:
        withdrawals.correct_period(session, meter, period, Correction(first_digits=1_400), now=hall.clock.now, **WHY)
    for wrong in (1_600, 10**8):
        with pytest.raises(ReadingContradictedError), hall.database.begin() as session:
            right = Correction(first_digits=wrong)
            withdrawals.correct_period(session, meter, period, right, now=hall.clock.now, **WHY)
    hall.bill(room)
    assert fen(hall, room) == [50]
    with hall.database.begin() as session:
        right = Correction(register=Register(ratio=10))
        withdrawals.correct_period(session, meter, period, right, now=hall.clock.now, **WHY)
    hall.bill(room)
    assert (fen(hall, room), hall.balance(room)) == ([500], -500)


def test_the_values_of_a_replacement_are_corrected_one_by_one(hall: Hall, room: UUID) -> None:
    old = meter_of(hall, room)
    hall.clock.now = at(FIRST, 12)
    new = hall.install(room, at(FIRST, 12), 0, final=1_200)
    hall.read(room, at(FIRST + DAY), 100)
    hall.bill(room)
    assert fen(hall, room) == [150]
    with hall.database.begin() as session:
        right = Correction(final_digits=1_100)
        withdrawals.correct_period(session, old, period_of(hall, old), right, now=hall.clock.now, **WHY)
        right = Correction(first_digits=60)
        withdrawals.correct_period(session, new, period_of(hall, new), right, now=hall.clock.now, **WHY)
    with pytest.raises(ReadingContradictedError), hall.database.begin() as session:
        right = Correction(final_digits=10)
        withdrawals.correct_period(session, new, period_of(hall, new), right, now=hall.clock.now, **WHY)
    hall.bill(room)
    assert fen(hall, room) == [70]


@ON_BOTH
def test_two_meters_that_were_entered_for_each_others_rooms_change_places(hall: Hall, room: UUID) -> None:
    other = hall.room("b", number="1006", shows=5_000)
    hall.read(room, at(FIRST + DAY), 1_300)
    hall.read(other, at(FIRST + DAY), 5_100)
    hall.bill(room)
    hall.bill(other)
    assert (fen(hall, room), fen(hall, other)) == ([150], [50])
    first, second = meter_of(hall, room), meter_of(hall, other)
    with hall.database.begin() as session:
        for meter in (first, second):
            period = period_of(hall, meter)
            withdrawals.withdraw_installation(session, meter, period, now=hall.clock.now, **WHY)
    assert not run.bill_all(hall.money, hall.clock.now, also_billed=True).failed
    assert (fen(hall, room), hall.balance(room), hall.balance(other)) == ([], 0, 0)
    with hall.database.begin() as session:
        for meter, into, shows in ((first, other, 1_000), (second, room, 5_000)):
            stand = Stand(at(FIRST), shows)
            installation.install(session, meter, into, stand, Register(), by="system", now=hall.clock.now)
    run.bill_all(hall.money, hall.clock.now, also_billed=True)
    assert (fen(hall, room), fen(hall, other)) == ([50], [150])
    assert (hall.balance(room), hall.balance(other)) == (-50, -150)


def test_what_is_settled_missing_or_counted_elsewhere_since_stays(hall: Hall, room: UUID) -> None:
    meter = meter_of(hall, room)
    period = period_of(hall, meter)
    hall.read(room, at(FIRST + DAY), 1_100)
    hall.clock.now = at(FIRST + DAY, 12)
    with hall.database.begin() as session:
        stand = Stand(at(FIRST + DAY, 1), 1_100, ReadingSource.PERSON)
        installation.remove(session, meter, stand, by="system", now=hall.clock.now)
        installation.install(session, meter, room, stand, Register(), by="system", now=hall.clock.now)
    with pytest.raises(MeterCountsError), hall.database.begin() as session:
        withdrawals.withdraw_installation(session, meter, period, now=hall.clock.now, **WHY)
    with pytest.raises(ReadingContradictedError), hall.database.begin() as session:
        right = Correction(final_digits=1_101)
        withdrawals.correct_period(session, meter, period, right, now=hall.clock.now, **WHY)
    with pytest.raises(NotFoundError):
        withdraw(hall, meter, at(FIRST, 1))
    hall.clock.now += 61 * DAY
    with pytest.raises(ReadingSettledError):
        withdraw(hall, meter, at(FIRST + DAY))
