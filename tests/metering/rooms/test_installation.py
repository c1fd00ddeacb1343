"""Meters begin and end to count for rooms, and are replaced."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from metering.readings.course import NotReadYetError
from metering.readings.tables import ReadingReview
from metering.readings.values import Register, ReviewState
from metering.rooms import installation, meters, reviews
from metering.rooms.consumption import Consumption, find_consumption, find_known_until, find_series
from metering.rooms.courses import load_courses, reading_at
from metering.rooms.installation import (
    Exchange,
    MeterCountsError,
    MeterIdleError,
    ReadingContradictedError,
    Stand,
)
from metering.rooms.reviews import ReadingImplausibleError, ReadingUnfitError, ReviewDecidedError
from metering.rooms.tables import Room
from metering.vocabulary import ReadingQuality, ReadingSource
from tests.metering.dormitory import BY, REGISTER, Dormitory, at


def used(dormitory: Dormitory, room: Room, start: float, end: float) -> Consumption:
    with dormitory.database.read() as session:
        return find_consumption(load_courses(session, room.id, at(start), at(end)), at(start), at(end))


def exchange(dormitory: Dormitory, wanted: Exchange) -> None:
    with dormitory.database.begin() as session:
        installation.exchange(session, wanted, by=BY, now=dormitory.now)


def waiting(dormitory: Dormitory) -> UUID:
    with dormitory.database.read() as session:
        query = select(ReadingReview.id).where(ReadingReview.state == ReviewState.WAITING)
        return session.scalars(query).one()


def test_what_a_room_used_between_two_instants(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room, digits=5_000)
    dormitory.read(meter, (1, 5_100), (2, 5_300), (3, 5_300), (4, 5_400))
    assert used(dormitory, room, 0, 4).wh == 4_000
    assert used(dormitory, room, 1, 3).wh == 2_000
    assert not used(dormitory, room, 1, 3).is_estimated
    half = used(dormitory, room, 0.5, 1.5)
    assert (half.wh, half.is_estimated) == (1_500, True)


def test_a_replacement_has_one_date_whatever_else_happened_on_others(dormitory: Dormitory) -> None:
    """Complaint: installation, network and first reading on three dates, three starts shown, quota not credited."""
    room = dormitory.room()
    old = dormitory.installed(room, "A1", digits=900_000)
    dormitory.read(old, (10, 900_200))
    new = dormitory.meter("B2")
    with dormitory.database.begin() as session:
        line = meters.add_line(
            session,
            name="north-6-a",
            url="tcp://127.0.0.1:1",
            protocol=meters.Protocol.DLT645,
            bits_per_s=2400,
            device_id=None,
            by=BY,
            now=dormitory.now,
        )
        meters.get_meter(session, old.id).line_id = line.id
    # In the network two hours before it counts, at the room since hour 12, first read again at hour 30.
    dormitory.read(new, (10, 3))
    exchange(dormitory, Exchange(old.id, new.id, at(12), final_digits=900_300, first_digits=7))
    dormitory.read(new, (30, 107))
    found = used(dormitory, room, 0, 30)
    assert [(part.serial, part.start.at, part.end.at) for part in found.parts] == [
        ("A1", at(0), at(12)),
        ("B2", at(12), at(30)),
    ]
    assert [(part.start.digits, part.end.digits) for part in found.parts] == [(900_000, 900_300), (7, 107)]
    assert found.wh == (300 + 100) * 10
    assert {part.start.source for part in found.parts} == {ReadingSource.PERSON}
    assert found.wh == used(dormitory, room, 0, 12).wh + used(dormitory, room, 12, 30).wh
    with dormitory.database.read() as session:
        assert meters.get_meter(session, new.id).line_id == line.id
        assert meters.get_meter(session, old.id).line_id is None
        assert [one.id for one in meters.find_meters_of(session, room.id)] == [new.id]


def test_the_ratio_belongs_to_the_period_and_not_to_the_meter(dormitory: Dormitory) -> None:
    room, other = dormitory.room("101"), dormitory.room("102")
    meter = dormitory.installed(room, digits=0, register=Register(ratio=15, max_w=300_000))
    dormitory.read(meter, (10, 100))
    with dormitory.database.begin() as session:
        installation.remove(session, meter.id, Stand(at(10), 100), by=BY, now=dormitory.now)
        installation.install(session, meter.id, other.id, Stand(at(20), 100), REGISTER, by=BY, now=dormitory.now)
    dormitory.read(meter, (30, 200))
    assert used(dormitory, room, 0, 30).wh == 100 * 10 * 15
    assert used(dormitory, other, 0, 30).wh == 100 * 10


def test_a_value_that_nobody_can_have_read_is_refused(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room, digits=5_000)
    dormitory.read(meter, (1, 5_100), (3, 5_100), (5, 5_300))
    for final in (
        Stand(at(2), 5_099),
        Stand(at(2), 5_101),
        Stand(at(4), 5_301),
        Stand(at(6), 5_299),
        Stand(dormitory.now + timedelta(hours=1), 6_000),
        Stand(at(6), 10**8),
    ):
        with pytest.raises(ReadingContradictedError), dormitory.database.begin() as session:
            installation.remove(session, meter.id, final, by=BY, now=dormitory.now)
    assert used(dormitory, room, 0, 5).wh == 3_000


def test_a_meter_counts_for_one_room_at_a_time(dormitory: Dormitory) -> None:
    room, other = dormitory.room("101"), dormitory.room("102")
    meter, spare = dormitory.installed(room, digits=0, hour=5), dormitory.meter("B2")
    with pytest.raises(MeterCountsError), dormitory.database.begin() as session:
        installation.install(session, meter.id, other.id, Stand(at(8), 0), REGISTER, by=BY, now=dormitory.now)
    for meter_id, hour in ((meter.id, 5), (meter.id, 2), (spare.id, 9)):
        with pytest.raises(MeterIdleError), dormitory.database.begin() as session:
            installation.remove(session, meter_id, Stand(at(hour), 0), by=BY, now=dormitory.now)


def test_the_value_at_a_midnight_is_the_frozen_one_where_there_is_one_and_else_estimated(dormitory: Dormitory) -> None:
    """A move is settled by that midnight: hour 12 is midnight in Shanghai."""
    meter = dormitory.installed(dormitory.room(), digits=0)
    dormitory.read(meter, (11, 100), (13, 300))
    with dormitory.database.read() as session:
        found = reading_at(session, meter.id, at(12))
    assert (found.digits, found.source, found.quality) == (200, ReadingSource.INTERPOLATED, ReadingQuality.ESTIMATED)
    dormitory.read(meter, (12, 120), source=ReadingSource.FROZEN)
    with dormitory.database.read() as session:
        found = reading_at(session, meter.id, at(12))
        assert (found.digits, found.source, found.quality) == (120, ReadingSource.FROZEN, ReadingQuality.GOOD)
        with pytest.raises(NotReadYetError):
            reading_at(session, meter.id, at(14))
        with pytest.raises(NotReadYetError):
            reading_at(session, meter.id, at(-1))


def test_today_is_shown_as_far_as_it_was_read_and_no_further(dormitory: Dormitory) -> None:
    """Complaint: the page shows yesterday. It shows the last reading, says of when it is, and no value for later."""
    room = dormitory.room()
    meter = dormitory.installed(room, digits=0)
    dormitory.read(meter, (1, 10), (2, 30), (2.25, 30))
    with dormitory.database.read() as session:
        courses = load_courses(session, room.id, at(0), at(4))
    assert find_known_until(courses) == at(2.25)
    assert [one and one.wh for one in find_series(courses, [at(hour) for hour in range(4)])] == [100, 200, None]


def test_a_doubtful_reading_is_billed_only_after_a_person_took_it_for_true(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room, digits=0)
    dormitory.read(meter, (1, 100))
    dormitory.read(meter, (2, 9_000), (3, 9_100))
    with pytest.raises(NotReadYetError):
        used(dormitory, room, 0, 3)
    review = waiting(dormitory)
    with dormitory.database.begin() as session:
        reviews.accept(session, review, note="heater tested", by=BY, now=dormitory.now)
    assert used(dormitory, room, 0, 3).wh == 91_000
    dormitory.read(meter, (4, 9_110))
    assert used(dormitory, room, 3, 4).wh == 100
    with pytest.raises(ReviewDecidedError), dormitory.database.begin() as session:
        reviews.reject(session, review, note=None, by=BY, now=dormitory.now)


def test_what_a_person_rejected_is_never_billed_nor_what_goes_on_from_it(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room, digits=0)
    dormitory.read(meter, (1, 100))
    dormitory.read(meter, (2, 9_000))
    with dormitory.database.begin() as session:
        reviews.reject(session, waiting(dormitory), note=None, by=BY, now=dormitory.now)
    assert dormitory.read(meter, (300, 9_050)).in_review == 1
    assert dormitory.read(meter, (301, 150)).stored == 1
    assert used(dormitory, room, 0, 301).wh == 1_500


def test_a_register_that_went_back_cannot_be_taken_for_true(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room, digits=5_000)
    dormitory.read(meter, (1, 5_100))
    dormitory.read(meter, (2, 3))
    review = waiting(dormitory)
    with pytest.raises(ReadingUnfitError), dormitory.database.begin() as session:
        reviews.accept(session, review, note=None, by=BY, now=dormitory.now)
    new = dormitory.meter("B2")
    exchange(dormitory, Exchange(meter.id, new.id, at(1.5), final_digits=5_150, first_digits=0))
    with dormitory.database.read() as session:
        assert reviews.get_review(session, review).state is ReviewState.REPLACED
    dormitory.read(new, (2, 3), (3, 13))
    assert used(dormitory, room, 0, 3).wh == 1_500 + 130


def test_a_person_enters_what_they_read_and_confirms_what_is_unlikely(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room, digits=0)
    dormitory.read(meter, (1, 100))

    def enter(hour: float, digits: int, *, confirmed: bool = False) -> None:
        with dormitory.database.begin() as session:
            reviews.enter(session, meter.id, at(hour), digits, confirmed=confirmed, by=BY, now=dormitory.now)

    with pytest.raises(ReadingUnfitError):
        enter(2, 99, confirmed=True)
    with pytest.raises(ReadingImplausibleError):
        enter(2, 50_000)
    enter(2, 50_000, confirmed=True)
    enter(3, 50_010)
    (part,) = used(dormitory, room, 0, 3).parts
    assert (part.wh, part.end.source) == (500_100, ReadingSource.PERSON)
