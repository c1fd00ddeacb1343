"""All rooms at a glance: what somebody has to see to is listed, what is as it should be is counted."""

from datetime import timedelta

from database import Database
from metering.rooms import registry
from metering.supply import overview, room_state
from metering.supply.states import RequestAction, RequestState
from metering.supply.tables import SupplyGround, SupplyRequest
from metering.vocabulary import TripReason
from tests.metering.dormitory import NOON, Dormitory


def stands(dormitory: Dormitory, room_id: object, reason: TripReason) -> None:
    with dormitory.database.begin() as session:
        session.add(SupplyGround(room_id=room_id, reason=reason, began_at=NOON))


def test_curfews_and_vacant_rooms_are_only_counted(database: Database) -> None:
    dormitory = Dormitory(database)
    rooms = [dormitory.room(str(number)).id for number in range(1001, 1005)]
    for room_id, reason in zip(
        rooms, (TripReason.CURFEW, TripReason.CURFEW, TripReason.VACANT, TripReason.OVERLOAD), strict=True
    ):
        stands(dormitory, room_id, reason)
    with database.read() as session:
        found = overview.find_cut_offs(session)
    assert [one.room_id for one in found.grounds] == [rooms[3]]
    assert found.ordinary == {TripReason.CURFEW: 2, TripReason.VACANT: 1}


def test_the_room_nearest_to_its_cut_off_comes_first_and_one_that_is_cut_off_stands_elsewhere(
    database: Database,
) -> None:
    dormitory = Dormitory(database)
    rooms = {level: dormitory.room(f"10{place:02}").id for place, level in enumerate((1, 2, -1, -2, 0))}
    with database.begin() as session:
        for level, room_id in rooms.items():
            room_state.lock(session, room_id).warning_level = level
    stands(dormitory, rooms[-2], TripReason.NO_CREDIT)
    with database.read() as session:
        assert [one.warning_level for one in overview.find_near_cut_off(session)] == [-1, 2, 1]
        names = registry.find_names(session, [rooms[1]])
    assert names == {rooms[1]: ("north-6", "1000")}


def test_a_request_that_nobody_confirmed_in_time_waits_no_more_and_an_application_does(database: Database) -> None:
    dormitory = Dormitory(database)
    room, person = dormitory.room(), dormitory.person()
    with database.begin() as session:
        for action in (RequestAction.TRIP, RequestAction.APPLY):
            session.add(
                SupplyRequest(
                    room_id=room.id, action=action, reason=TripReason.STAFF, note="-", state=RequestState.WAITING,
                    asked_by=person, asked_at=NOON,
                )
            )  # fmt: skip
    for minutes, waiting in ((29, 2), (31, 1)):
        now = NOON + timedelta(minutes=minutes)
        with database.read() as session:
            assert len(overview.find_waiting_requests(session, now)) == waiting
