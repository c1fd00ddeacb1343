"""Buildings and rooms: chosen by id, with a number that is what it is."""

import pytest

from metering.rooms import registry, residents
from metering.rooms.registry import BuildingTakenError, RoomClosedError, RoomInUseError, RoomTakenError
from tests.metering.dormitory import BY, NOON, Dormitory


def test_room_1005_is_never_taken_for_105_nor_the_other_way(dormitory: Dormitory) -> None:
    """Complaint: room 1005 read as 105."""
    dormitory.room("1005")
    with dormitory.database.read() as session:
        assert registry.find_by_number(session, "north-6", "105") is None
    short = dormitory.room("105")
    with dormitory.database.read() as session:
        for typed, number in (("1005", "1005"), ("105", "105"), ("１００５", "1005"), (" 1005 ", "1005")):
            found = registry.find_by_number(session, "north-6", typed)
            assert found is not None
            assert found.number == number
        for wrong in ("01005", "1005A", "10 05", "100", "1-005", "5", ""):
            assert registry.find_by_number(session, "north-6", wrong) is None
        assert [room.number for room in registry.find_rooms(session, short.building_id)] == ["1005", "105"]


def test_the_same_number_in_two_buildings_is_two_rooms(dormitory: Dormitory) -> None:
    one, two = dormitory.room("101", "north-6"), dormitory.room("101", "south-1")
    with dormitory.database.read() as session:
        found = registry.find_by_number(session, "south-1", "101")
    assert found is not None
    assert found.id == two.id != one.id


@pytest.mark.parametrize("number", ["1005", "１００５", " 1005", "1005 "])
def test_a_number_is_given_once_however_it_is_written(dormitory: Dormitory, number: str) -> None:
    dormitory.room("1005")
    with pytest.raises(RoomTakenError):
        dormitory.room(number)


def test_a_code_is_given_to_one_building(dormitory: Dormitory) -> None:
    dormitory.room()
    with pytest.raises(BuildingTakenError), dormitory.database.begin() as session:
        registry.add_building(session, "north-6", "another", by=BY, now=NOON)


def test_a_room_is_closed_when_nobody_lives_there_and_no_meter_counts(dormitory: Dormitory) -> None:
    room, person = dormitory.room(), dormitory.person()
    day = NOON.date()
    dormitory.move_in(room, person, day)
    with pytest.raises(RoomInUseError), dormitory.database.begin() as session:
        registry.close_room(session, room.id, by=BY, now=NOON)
    with dormitory.database.begin() as session:
        residents.move_out(session, person, day.replace(day=12), by=BY, now=NOON)
        registry.close_room(session, room.id, by=BY, now=NOON)
    with pytest.raises(RoomClosedError):
        dormitory.move_in(room, person, day.replace(day=20))


def test_a_room_with_a_meter_is_not_closed(dormitory: Dormitory) -> None:
    room = dormitory.room()
    dormitory.installed(room)
    with pytest.raises(RoomInUseError), dormitory.database.begin() as session:
        registry.close_room(session, room.id, by=BY, now=NOON)
