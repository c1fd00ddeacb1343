"""A room's supply as it is kept on a database: orders to its meter, what they did, what its residents were told."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from campusgate.processes.jobs.supply import review_due
from database import new_id
from enrollment import room_notices
from enrollment.tables import Notice
from metering.reader_contract import OrderOutcome
from metering.readings.tables import MeterReading
from metering.rooms.tables import Residence
from metering.supply import orders, requests, room_state
from metering.supply.load import find_power
from metering.supply.orders import OrderOverError, ResultWithoutProofError
from metering.supply.requests import (
    NoSuchCutOffError,
    NotForStaffError,
    SecondPersonForSupplyError,
    SupplyRequestNotWaitingError,
)
from metering.supply.rules import Hours
from metering.supply.states import MeterOrderState, RequestAction, RequestState
from metering.supply.tables import MeterOrder, OutdoorTemperature, RoomSupply, SupplyGround
from metering.supply.warnings import NoticeKind
from metering.vocabulary import MeterAction, ReadingQuality, ReadingSource, SupplyState, TripReason
from tests.databases import ON_BOTH, ON_SQLITE
from web.problems import NotFoundError

pytestmark = ON_SQLITE


def states(dormitory):
    with dormitory.database.read() as session:
        return [order.state for order in reversed(orders.find_for_room(session, dormitory.room))]


def test_a_room_with_credit_gets_no_order(dormitory):
    dormitory.review()
    assert dormitory.obey() == []
    assert dormitory.inbox.told == []


def test_cut_off_paid_armed_and_closed_by_the_resident(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    assert dormitory.obey() == [MeterAction.TRIP]
    assert dormitory.supply is SupplyState.OFF
    dormitory.wait(minutes=30)
    paid_at = dormitory.now - timedelta(seconds=9)
    dormitory.pay(1, paid_at=paid_at)
    dormitory.review()
    assert dormitory.obey() == [MeterAction.ARM]
    assert dormitory.supply is SupplyState.ARMED
    with dormitory.database.read() as session:
        assert session.get_one(RoomSupply, dormitory.room).paid_at == paid_at
    dormitory.press_button()
    dormitory.review()
    assert dormitory.obey() == []
    assert dormitory.inbox.kinds == [NoticeKind.CUT_OFF_AHEAD, NoticeKind.CUT_OFF, NoticeKind.ARMED]


def test_every_resident_is_told_with_the_amount_that_helps(dormitory):
    dormitory.pay(-700)
    dormitory.review()
    ((people, kind, content),) = dormitory.inbox.told
    assert people == frozenset(dormitory.people)
    assert (kind, content["room"], content["fen"]) == (NoticeKind.CUT_OFF_AHEAD, "七号楼 1005", 701)
    dormitory.review()
    assert len(dormitory.inbox.told) == 1


def test_at_night_nothing_is_cut_and_in_the_morning_it_is(dormitory):
    dormitory.now = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)  # 23:30
    dormitory.pay(-500)
    dormitory.review()
    assert dormitory.obey() == []
    assert dormitory.inbox.told[0][2]["at"] == "2026-11-28T08:00+08:00"
    with dormitory.database.read() as session:
        assert dormitory.keeper.find_due(session, now=datetime(2026, 11, 28, 0, tzinfo=UTC)) == [dormitory.room]
    dormitory.now = datetime(2026, 11, 28, 0, tzinfo=UTC)
    dormitory.review()
    assert dormitory.obey() == [MeterAction.TRIP]


def test_in_the_cold_nothing_is_cut(dormitory):
    with dormitory.database.begin() as session:
        until = dormitory.now + timedelta(hours=2)
        session.add(OutdoorTemperature(temperature_c=-3, valid_until=until, set_by=new_id(), set_at=dormitory.now))
    dormitory.pay(-500)
    dormitory.review()
    assert dormitory.obey() == []
    dormitory.wait(hours=2)
    dormitory.review()
    assert dormitory.obey() == [MeterAction.TRIP]


def test_an_order_is_handed_out_once_and_dies(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    (order,) = dormitory.take()
    assert dormitory.take() == []
    dormitory.review()
    assert dormitory.take() == [], "one under way is enough"
    dormitory.wait(minutes=3)
    dormitory.review()
    assert states(dormitory) == [MeterOrderState.EXPIRED]
    dormitory.wait(minutes=5)
    dormitory.review()
    (again,) = dormitory.take()
    assert again.id != order.id


def test_an_order_that_nobody_fetched_in_time_is_not_handed_out(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    dormitory.wait(minutes=3)
    assert dormitory.take() == []


def test_who_pays_before_the_order_was_fetched_is_not_cut_off(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    dormitory.pay(100)
    dormitory.review()
    assert dormitory.take() == []
    assert states(dormitory) == [MeterOrderState.SUPERSEDED]


@ON_BOTH
def test_who_pays_while_the_order_is_under_way_is_armed_at_once(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    (order,) = dormitory.take()
    dormitory.pay(100)
    dormitory.review()
    dormitory.answer(order)
    assert dormitory.obey() == [MeterAction.ARM]


def test_another_devices_orders_are_not_there(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    with dormitory.database.begin() as session:
        assert not orders.take(session, new_id(), now=dormitory.now)
        assert not orders.has_waiting(session, new_id(), now=dormitory.now)
        assert orders.has_waiting(session, dormitory.device, now=dormitory.now)
    dormitory.device = new_id()
    with dormitory.database.read() as session:
        order = session.scalars(select(MeterOrder)).one()
    with pytest.raises(NotFoundError):
        dormitory.answer(order)


@pytest.mark.parametrize("shown", [SupplyState.ON, SupplyState.ARMED, SupplyState.UNKNOWN])
def test_an_acknowledgement_is_no_execution(dormitory, shown):
    dormitory.pay(-500)
    dormitory.review()
    (order,) = dormitory.take()
    with pytest.raises(ResultWithoutProofError):
        dormitory.answer(order, supply=shown)
    assert dormitory.answer(order, OrderOutcome.SENT, shown)
    assert states(dormitory) == [MeterOrderState.SENT]
    assert dormitory.answer(order)
    assert states(dormitory) == [MeterOrderState.DONE]


def test_a_result_said_again_changes_nothing_and_another_is_refused(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    (order,) = dormitory.take()
    assert dormitory.answer(order)
    told = len(dormitory.inbox.told)
    assert not dormitory.answer(order)
    assert len(dormitory.inbox.told) == told
    with pytest.raises(OrderOverError):
        dormitory.answer(order, OrderOutcome.SILENT, SupplyState.UNKNOWN)


def test_a_relay_that_moved_after_all_is_believed(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    (order,) = dormitory.take()
    dormitory.wait(minutes=4)
    dormitory.pay(100)
    dormitory.review()
    assert dormitory.answer(order)
    assert dormitory.obey() == [MeterAction.ARM]


def test_a_meter_that_refuses_is_asked_again_later(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    (order,) = dormitory.take()
    dormitory.answer(order, OrderOutcome.REFUSED, SupplyState.ON, error="no trip while power is kept on")
    assert dormitory.take() == []
    dormitory.wait(minutes=5)
    dormitory.review()
    assert len(dormitory.take()) == 1


def test_a_relay_closed_by_hand_in_a_room_without_credit_is_opened_again(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    dormitory.obey()
    with dormitory.database.begin() as session:
        (meter,) = room_state.find_relays(session, dormitory.room, dormitory.now)
        meter.supply = SupplyState.ON
    dormitory.review()
    assert dormitory.obey() == [MeterAction.TRIP]


@ON_BOTH
def test_the_third_overload_waits_for_a_written_request(dormitory):
    def overload():
        with dormitory.database.begin() as session:
            dormitory.keeper.note_power(session, dormitory.room, 900, now=dormitory.now)
        assert dormitory.obey() == [MeterAction.TRIP]

    with dormitory.database.begin() as session:
        room_state.lock(session, dormitory.room).load_limit_w = 600
        assert dormitory.keeper.note_power(session, dormitory.room, 600, now=dormitory.now) is None
    for _ in range(2):
        overload()
        dormitory.wait(minutes=10)
        dormitory.review()
        assert dormitory.obey() == [MeterAction.ARM]
        dormitory.press_button()
    overload()
    dormitory.wait(days=2)
    dormitory.review()
    assert dormitory.obey() == []
    resident, *_ = dormitory.people
    with dormitory.database.begin() as session:
        wish = requests.apply(
            session, dormitory.room, TripReason.OVERLOAD, note="sold the heater", by=resident, now=dormitory.now
        )
        again = requests.apply(session, dormitory.room, TripReason.OVERLOAD, note="!", by=resident, now=dormitory.now)
        assert again.id == wish.id
    staff(dormitory, RequestAction.ARM, TripReason.OVERLOAD, two_persons=False)
    assert dormitory.obey() == [MeterAction.ARM]
    with dormitory.database.read() as session:
        assert session.get_one(type(wish), wish.id).state is RequestState.DONE
    dormitory.press_button()
    overload()
    with dormitory.database.read() as session:
        (ground,) = room_state.find_standing(session, dormitory.room)
        assert ground.until is not None, "after staff lifted it, it counts anew"


def staff(dormitory, action, reason, *, two_persons=True, by=None):
    with dormitory.database.begin() as session:
        return requests.ask(
            session,
            dormitory.keeper,
            dormitory.room,
            action,
            reason,
            note="a reason",
            by=by or new_id(),
            two_persons=two_persons,
            now=dormitory.now,
        ).id


def confirm(dormitory, request, by):
    with dormitory.database.begin() as session:
        requests.confirm(session, dormitory.keeper, request, by=by, now=dormitory.now)


@ON_BOTH
def test_staff_cut_off_and_arm_with_a_second_person(dormitory):
    first, second = new_id(), new_id()
    for action, expected in ((RequestAction.TRIP, MeterAction.TRIP), (RequestAction.ARM, MeterAction.ARM)):
        request = staff(dormitory, action, TripReason.STAFF, by=first)
        assert dormitory.obey() == []
        with pytest.raises(SecondPersonForSupplyError):
            confirm(dormitory, request, first)
        confirm(dormitory, request, second)
        assert dormitory.obey() == [expected]
        with pytest.raises(SupplyRequestNotWaitingError):
            confirm(dormitory, request, second)


def test_a_request_that_nobody_confirmed_in_time_is_void(dormitory):
    request = staff(dormitory, RequestAction.TRIP, TripReason.STAFF)
    dormitory.wait(minutes=31)
    with pytest.raises(SupplyRequestNotWaitingError):
        confirm(dormitory, request, new_id())


def test_a_cancelled_request_is_not_carried_out(dormitory):
    request = staff(dormitory, RequestAction.TRIP, TripReason.STAFF)
    with dormitory.database.begin() as session:
        requests.cancel(session, request, by=new_id(), now=dormitory.now)
    with pytest.raises(SupplyRequestNotWaitingError):
        confirm(dormitory, request, new_id())
    assert dormitory.obey() == []


def test_a_dangerous_load_does_not_wait_for_a_second_person(dormitory):
    staff(dormitory, RequestAction.TRIP, TripReason.MALICIOUS_LOAD)
    assert dormitory.obey() == [MeterAction.TRIP]


def test_staff_cannot_give_power_for_money_that_was_not_paid(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    with pytest.raises(NotForStaffError) as caught:
        staff(dormitory, RequestAction.ARM, TripReason.NO_CREDIT)
    assert caught.value.members == {"lifted_by": "payment"}
    with pytest.raises(NotForStaffError):
        staff(dormitory, RequestAction.TRIP, TripReason.NO_CREDIT)
    with pytest.raises(NoSuchCutOffError):
        staff(dormitory, RequestAction.ARM, TripReason.STAFF)


def test_a_room_with_two_grounds_comes_back_when_both_are_over(dormitory):
    dormitory.pay(-500)
    staff(dormitory, RequestAction.TRIP, TripReason.STAFF, two_persons=False)
    assert dormitory.obey() == [MeterAction.TRIP]
    dormitory.pay(100)
    dormitory.review()
    assert dormitory.obey() == []
    staff(dormitory, RequestAction.ARM, TripReason.STAFF, two_persons=False)
    assert dormitory.obey() == [MeterAction.ARM]


def test_an_empty_room_is_cut_off_and_armed_for_the_next_residents(dormitory):
    with dormitory.database.begin() as session:
        for residence in session.scalars(select(Residence)):
            residence.moved_out = date(2026, 11, 27)
    dormitory.review()
    assert dormitory.obey() == [MeterAction.TRIP]
    with dormitory.database.begin() as session:
        session.add(Residence(room_id=dormitory.room, person_id=dormitory.people[0], moved_in=date(2026, 11, 27)))
    dormitory.review()
    assert dormitory.obey() == [MeterAction.ARM]


@ON_BOTH
def test_a_room_without_a_list_of_residents_is_not_vacant(dormitory):
    with dormitory.database.begin() as session:
        for residence in session.scalars(select(Residence)):
            session.delete(residence)
    dormitory.review()
    assert dormitory.obey() == []


def test_grounds_are_kept_when_they_are_over(dormitory):
    dormitory.pay(-500)
    dormitory.review()
    dormitory.wait(minutes=1)
    dormitory.pay(100)
    dormitory.review()
    with dormitory.database.read() as session:
        (ground,) = session.scalars(select(SupplyGround)).all()
    assert (ground.reason, ground.ended_at) == (TripReason.NO_CREDIT, dormitory.now)


def read_meter(dormitory, digits, *, minutes=15):
    dormitory.wait(minutes=minutes)
    with dormitory.database.begin() as session:
        session.add(
            MeterReading(
                meter=1,
                at=dormitory.now,
                seen_at=dormitory.now,
                digits=digits,
                source=ReadingSource.CYCLE,
                quality=ReadingQuality.GOOD,
            )
        )
    dormitory.review()


def test_a_room_that_draws_more_than_its_limit_is_cut_off_once_for_each_reading(dormitory):
    with dormitory.database.begin() as session:
        room_state.lock(session, dormitory.room).load_limit_w = 600
    read_meter(dormitory, 100_000)
    read_meter(dormitory, 100_015)  # 0.15 kWh in 15 min: 600 W
    assert dormitory.obey() == []
    read_meter(dormitory, 100_031)  # 640 W
    assert dormitory.obey() == [MeterAction.TRIP]
    with dormitory.database.read() as session:
        (ground,) = room_state.find_standing(session, dormitory.room)
    assert (ground.reason, ground.note) == (TripReason.OVERLOAD, "640 W, limit 600 W")
    dormitory.wait(minutes=10)
    dormitory.review()
    assert dormitory.obey() == [MeterAction.ARM], "the reading from before the trip is no second overload"


def test_an_old_reading_or_a_replaced_register_is_no_load(dormitory):
    with dormitory.database.begin() as session:
        room_state.lock(session, dormitory.room).load_limit_w = 600
    read_meter(dormitory, 100_000)
    read_meter(dormitory, 50_000)
    assert dormitory.obey() == []
    read_meter(dormitory, 60_000, minutes=0.5)
    assert dormitory.obey() == []
    dormitory.wait(hours=1)
    with dormitory.database.read() as session:
        assert find_power(session, dormitory.room, dormitory.now) is None


def test_rooms_are_reviewed_when_a_relay_moved_when_a_curfew_begins_and_soon_when_they_owe(dormitory):
    dormitory.review()

    def due(**by):
        with dormitory.database.read() as session:
            return list(dormitory.keeper.find_due(session, now=dormitory.now + timedelta(**by)))

    assert due(minutes=14) == []
    assert due(minutes=15) == [dormitory.room]
    with dormitory.database.begin() as session:
        dormitory.keeper.call_for_review(session, [dormitory.meter], now=dormitory.now)
    assert due() == [dormitory.room]
    dormitory.pay(-500)
    dormitory.review()
    assert due(minutes=1) == [dormitory.room]
    dormitory.pay(5_000)
    rules = replace(dormitory.keeper.rules, curfew=Hours(time(12, 7), time(12, 9)))
    dormitory.keeper = replace(dormitory.keeper, rules=rules)
    dormitory.review()
    assert due(minutes=6) == []
    assert due(minutes=7) == [dormitory.room]


def test_the_servers_job_reviews_new_rooms_and_those_that_are_due(dormitory):
    dormitory.pay(-500)
    assert review_due(dormitory.database, dormitory.keeper, dormitory.now) == 1
    assert dormitory.obey() == [MeterAction.TRIP]
    assert review_due(dormitory.database, dormitory.keeper, dormitory.now) == 0


@ON_BOTH
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_has_its_words_in_both_languages(dormitory, kind):
    content = {"room": "七号楼 1005", "fen": -123, "at": "2026-11-28T08:00+08:00", "reason": None}
    with dormitory.database.begin() as session:
        room_notices.write(session, dormitory.people, kind, content, now=dormitory.now)
    with dormitory.database.read() as session:
        notices = session.scalars(select(Notice)).all()
    assert {notice.person_id for notice in notices} == set(dormitory.people)
    for words in notices[0].content.values():
        assert "七号楼 1005" in words["body"]
        assert "{" not in words["title"] + words["body"]


@ON_BOTH
@pytest.mark.parametrize(("balance", "is_looked_at"), [(500, True), (-501, True), (5_000, False)])
def test_a_reading_lets_a_room_be_looked_at_again_whose_money_has_run_down(dormitory, balance, is_looked_at) -> None:
    dormitory.pay(balance)
    dormitory.review()
    dormitory.wait(seconds=5)
    with dormitory.database.begin() as session:
        dormitory.keeper.note_readings(session, {dormitory.meter}, now=dormitory.now)
        assert (dormitory.room in dormitory.keeper.find_due(session, now=dormitory.now)) is is_looked_at
