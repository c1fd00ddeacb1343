"""What a meter measured above its limit cuts its room off at once."""

from datetime import timedelta
from uuid import UUID

import pytest

from metering.reader_contract import MeterLoad, MeterStatus, StatusIn
from metering.rooms import reader
from metering.rooms.tables import Meter, MeterPeriod
from metering.supply import room_state
from metering.vocabulary import MeterAction, ReadingSource, SupplyState, TripReason, Utility
from tests.metering.supply.conftest import Dormitory


@pytest.fixture
def limited(dormitory: Dormitory) -> Dormitory:
    with dormitory.database.begin() as session:
        room_state.lock(session, dormitory.room).load_limit_w = 600
    return dormitory


def tell(dormitory: Dormitory, *loads: tuple[UUID, int], minutes_ago: float = 0, device: UUID | None = None) -> None:
    at = dormitory.now - timedelta(minutes=minutes_ago)
    said = tuple(
        MeterStatus(meter=meter, supply=SupplyState.ON, load=MeterLoad(power_w=watts, at=at)) for meter, watts in loads
    )
    with dormitory.database.begin() as session:
        told = reader.take_status(session, device or dormitory.device, StatusIn(meters=said), dormitory.now)
        dormitory.keeper.note_loads(session, told, now=dormitory.now)


def second_meter(dormitory: Dormitory, *, ratio: int = 1) -> UUID:
    with dormitory.database.begin() as session:
        first = session.get_one(Meter, dormitory.meter)
        other = Meter(
            number=2, serial="2", utility=Utility.ELECTRICITY, model=first.model, line_id=first.line_id, address="2",
            has_relay=True, supply=SupplyState.ON,
        )  # fmt: skip
        session.add(other)
        session.flush()
        session.add(
            MeterPeriod(
                meter_id=other.id, room_id=dormitory.room, begins_at=dormitory.now - timedelta(days=9), digits=8,
                decimals=2, ratio=ratio, max_w=20_000, first_digits=0, first_source=ReadingSource.PERSON,
            )
        )  # fmt: skip
        return other.id


def limits(dormitory: Dormitory) -> dict[UUID, int]:
    with dormitory.database.read() as session:
        return dormitory.keeper.find_load_limits(session, dormitory.device)


def test_a_load_above_the_limit_cuts_the_room_off_at_once_and_one_within_does_not(limited: Dormitory) -> None:
    tell(limited, (limited.meter, 600))
    assert limited.obey() == []
    tell(limited, (limited.meter, 640))
    assert limited.obey() == [MeterAction.TRIP]
    with limited.database.read() as session:
        (ground,) = room_state.find_standing(session, limited.room)
    assert (ground.reason, ground.note) == (TripReason.OVERLOAD, "640 W, limit 600 W")


def test_a_load_that_is_told_late_or_of_before_the_last_trip_or_by_another_reader_cuts_nobody_off(
    limited: Dormitory,
) -> None:
    tell(limited, (limited.meter, 900), minutes_ago=6)
    tell(limited, (limited.meter, 900), device=UUID(int=1))
    assert limited.obey() == []
    tell(limited, (limited.meter, 900))
    assert limited.obey() == [MeterAction.TRIP]
    limited.wait(minutes=1)
    with limited.database.begin() as session:
        for ground in room_state.find_standing(session, limited.room):
            ground.until = limited.now
    limited.review()
    assert limited.obey() == [MeterAction.ARM]
    tell(limited, (limited.meter, 900), minutes_ago=2)
    assert limited.obey() == []


def test_the_plan_says_each_meter_its_share_in_front_of_its_transformers(limited: Dormitory) -> None:
    assert limits(limited) == {limited.meter: 600}
    other = second_meter(limited, ratio=10)
    assert limits(limited) == {limited.meter: 300, other: 30}
    tell(limited, (limited.meter, 350), (other, 24))
    assert limited.obey() == []
    tell(limited, (limited.meter, 350), (other, 26))
    assert sorted(limited.obey()) == [MeterAction.TRIP, MeterAction.TRIP]
    with limited.database.begin() as session:
        shares = limited.keeper.find_load_limits(session, limited.device)
        plan = reader.make_plan(session, limited.device, load_limits_w=shares)
    assert [meter.load_limit_w for line in plan.lines for meter in line.meters] == [300, 30]


def test_a_room_without_a_limit_is_not_watched(dormitory: Dormitory) -> None:
    assert limits(dormitory) == {}
    tell(dormitory, (dormitory.meter, 9_000))
    assert dormitory.obey() == []
