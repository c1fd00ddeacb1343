"""Who lives where on which day."""

from datetime import date, timedelta

import pytest

from metering.rooms import residents
from metering.rooms.residents import LivesElsewhereError, LivesNowhereError, RoomFullError
from tests.metering.dormitory import BY, Dormitory

FIRST = date(2026, 9, 1)
MOVE = date(2026, 9, 15)


def test_a_person_lives_in_one_room_on_each_day(dormitory: Dormitory) -> None:
    """Complaint: after moving, curve and payment follow different rooms. There is one answer for both."""
    old, new, person = dormitory.room("101"), dormitory.room("102"), dormitory.person()
    dormitory.move_in(old, person, FIRST)
    with dormitory.database.begin() as session:
        residents.settle(session, person, new.id, MOVE, by=BY, now=dormitory.now)
    with dormitory.database.read() as session:
        days = (date(2026, 8, 31), FIRST, date(2026, 9, 14), MOVE, date(2027, 1, 1))
        found = [residents.find_residence(session, person, day) for day in days]
        rooms = [one and one.room_id for one in found]
        assert rooms == [None, old.id, old.id, new.id, new.id]
        assert residents.count_heads(session, old.id, date(2026, 9, 14)) == 1
        assert residents.is_vacant(session, old.id, MOVE)
        assert residents.count_heads(session, new.id, MOVE) == 1
        assert residents.find_days_of_change(session, new.id, FIRST, date(2026, 10, 1)) == [MOVE]


def test_nobody_moves_in_where_they_live_elsewhere_then(dormitory: Dormitory) -> None:
    old, new, person = dormitory.room("101"), dormitory.room("102"), dormitory.person()
    dormitory.move_in(old, person, MOVE)
    for day in (FIRST, MOVE, date(2026, 10, 1)):
        with pytest.raises(LivesElsewhereError):
            dormitory.move_in(new, person, day)


def test_nobody_moves_out_of_nowhere_or_before_they_moved_in(dormitory: Dormitory) -> None:
    person = dormitory.person()
    with pytest.raises(LivesNowhereError), dormitory.database.begin() as session:
        residents.move_out(session, person, MOVE, by=BY, now=dormitory.now)
    dormitory.move_in(dormitory.room(), person, MOVE)
    with pytest.raises(LivesNowhereError), dormitory.database.begin() as session:
        residents.move_out(session, person, MOVE - timedelta(days=1), by=BY, now=dormitory.now)


def test_a_wrong_room_is_corrected_on_the_same_day(dormitory: Dormitory) -> None:
    wrong, right, person = dormitory.room("101", beds=1), dormitory.room("102"), dormitory.person()
    dormitory.move_in(wrong, person, MOVE)
    with dormitory.database.begin() as session:
        residents.settle(session, person, right.id, MOVE, by=BY, now=dormitory.now)
        assert residents.is_vacant(session, wrong.id, MOVE)
        assert [one.person_id for one in residents.find_residents(session, right.id, MOVE)] == [person]
        residents.settle(session, person, wrong.id, MOVE, by=BY, now=dormitory.now)
        assert residents.find_residents(session, wrong.id, MOVE)[0].person_id == person


def test_a_room_holds_as_many_as_it_has_beds(dormitory: Dormitory) -> None:
    room = dormitory.room(beds=2)
    one, two, three = (dormitory.person() for _ in range(3))
    dormitory.move_in(room, one, FIRST)
    dormitory.move_in(room, two, MOVE)
    for day in (FIRST, MOVE):
        with pytest.raises(RoomFullError):
            dormitory.move_in(room, three, day)
    with dormitory.database.begin() as session:
        residents.move_out(session, one, MOVE, by=BY, now=dormitory.now)
    dormitory.move_in(room, three, MOVE)
    with dormitory.database.read() as session:
        assert [found.person_id for found in residents.find_residents(session, room.id, MOVE)] == [two, three]
        assert [found.person_id for found in residents.find_residents(session, room.id, FIRST)] == [one]
