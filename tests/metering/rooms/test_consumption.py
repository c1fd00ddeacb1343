"""What a room used, over its meters and over time, adds up however time is divided."""

import itertools
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.readings.course import Course, NotReadYetError
from metering.readings.values import Reading, Register
from metering.rooms.consumption import RoomCourse, find_consumption, find_known_until, find_series
from metering.vocabulary import ReadingQuality, ReadingSource
from tests.metering.courses import METER, SMALL, START, room_courses

HOUR = timedelta(hours=1)


def course(*values: tuple[float, int], register: Register = SMALL, meter: UUID = METER, serial: str = "A1") -> Course:
    """A course of readings (hour, digits), each seen once."""
    readings = tuple(Reading(START + hour * HOUR, START + hour * HOUR, digits) for hour, digits in values)
    return Course(meter, serial, register, readings)


def at(hour: float) -> datetime:
    return START + hour * HOUR


@given(room_courses(), st.data())
def test_parts_of_a_time_add_up_to_all_of_it_however_it_is_divided(
    rooms: list[RoomCourse], data: st.DataObject
) -> None:
    ends = find_known_until(rooms)
    assert ends is not None
    seconds = st.integers(0, int((ends - START).total_seconds()))
    cuts = sorted(START + timedelta(seconds=second) for second in data.draw(st.lists(seconds, max_size=6)))
    instants = [START, *cuts, ends]
    parts = [find_consumption(rooms, one, two).wh for one, two in itertools.pairwise(instants)]
    assert sum(parts) == find_consumption(rooms, START, ends).wh
    assert all(part >= 0 for part in parts)


@given(room_courses())
def test_what_a_room_used_is_what_its_registers_went_on_times_their_ratio(rooms: list[RoomCourse]) -> None:
    ends = find_known_until(rooms)
    assert ends is not None
    expected = 0
    for one in rooms:
        values = [reading.digits for reading in one.course.readings]
        size = one.course.register.size
        expected += sum((new - old) % size for old, new in itertools.pairwise(values)) * (
            one.course.register.ratio * 10 ** (3 - one.course.register.decimals)
        )
    assert find_consumption(rooms, START, ends).wh == expected


def test_a_register_that_wraps_goes_on() -> None:
    whole = Register(digits=8, decimals=2)
    found = find_consumption([RoomCourse(course((0, 99_999_950), (1, 50), register=whole), None)], at(0), at(1))
    assert found.wh == 1_000


def test_the_ratio_is_multiplied_once_and_not_in_the_reading() -> None:
    found = find_consumption([RoomCourse(course((0, 100), (1, 103)), None)], at(0), at(1))
    (part,) = found.parts
    assert (part.start.digits, part.end.digits, part.digits, part.ratio, part.wh) == (100, 103, 3, 15, 450)


def test_a_value_between_two_readings_is_interpolated_and_said_to_be_estimated() -> None:
    found = find_consumption([RoomCourse(course((0, 100), (2, 200)), None)], at(0), at(0.5))
    (part,) = found.parts
    assert (part.end.digits, part.end.source, part.end.quality) == (
        125,
        ReadingSource.INTERPOLATED,
        ReadingQuality.ESTIMATED,
    )
    assert (part.end.before.digits, part.end.after.digits) == (100, 200)
    assert found.is_estimated


def test_a_value_that_was_read_or_stood_still_is_not_estimated() -> None:
    one = RoomCourse(course((0, 100), (2, 100), (3, 120)), None)
    assert not find_consumption([one], at(1), at(3)).is_estimated


def test_what_was_not_read_yet_is_no_consumption_of_zero() -> None:
    one = RoomCourse(course((0, 100), (2, 200)), None)
    with pytest.raises(NotReadYetError):
        find_consumption([one], at(0), at(2.5))
    assert find_series([one], [at(0), at(1), at(2), at(3)])[-1] is None
    assert find_known_until([one]) == at(2)


def test_a_meter_that_counted_only_earlier_needs_no_reading_now() -> None:
    rooms = [
        RoomCourse(course((0, 100), (2, 200)), at(2)),
        RoomCourse(course((2, 0), (5, 10), serial="B2", meter=UUID(int=2)), None),
    ]
    found = find_consumption(rooms, at(1), at(5))
    assert [(part.serial, part.digits) for part in found.parts] == [("A1", 50), ("B2", 10)]


def test_a_replacement_bills_neither_the_old_meters_stand_nor_nothing() -> None:
    """The old one's final and the new one's first reading stand at one instant; the new one need not begin at zero."""
    rooms = [
        RoomCourse(course((0, 9_000), (10, 9_100)), at(10)),
        RoomCourse(course((10, 37), (20, 57), serial="B2", meter=UUID(int=2)), None),
    ]
    assert find_consumption(rooms, at(0), at(20)).wh == (100 + 20) * SMALL.wh_per_digit
    assert find_consumption(rooms, at(9), at(11)).wh == (10 + 2) * SMALL.wh_per_digit


def test_a_room_without_a_meter_used_nothing() -> None:
    assert find_consumption([], at(0), at(9)).wh == 0
    assert find_known_until([]) is None
