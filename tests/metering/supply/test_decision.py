"""When a room is cut off, when it is not, and how its supply comes back."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.supply.decision import (
    Credit,
    Ground,
    RoomFacts,
    begin_overload,
    decide,
    find_needed_fen,
    find_restoring,
    update_grounds,
)
from metering.supply.rules import TRIP_RULES, Hours, LiftedBy, SupplyRules, find_cut_time, find_quiet_start
from metering.supply.warnings import NoticeKind, find_level, find_warning
from metering.vocabulary import MeterAction, SupplyState, TripReason

CAMPUS = ZoneInfo("Asia/Shanghai")
RULES = SupplyRules(zone=CAMPUS, curfew=Hours(time(23, 30), time(6)))
NOON = datetime(2026, 11, 27, 12, tzinfo=CAMPUS)
NIGHT = datetime(2026, 11, 27, 23, 15, tzinfo=CAMPUS)
NO_CREDIT = Ground(TripReason.NO_CREDIT, NOON - timedelta(hours=1))


def told(grounds, supply=SupplyState.ON, *, now=NOON, rules=RULES, restored_by=None, temperature_c=None):
    return decide(grounds, supply, restored_by=restored_by, temperature_c=temperature_c, rules=rules, now=now)


def begun(credit, *, now=NOON, standing=(), residents=4, is_exempt=True):
    facts = RoomFacts(credit, residents, is_curfew_exempt=is_exempt)
    return update_grounds(standing, facts, RULES, now)


def test_a_room_without_credit_is_cut_off_by_day():
    decision = told([NO_CREDIT])
    assert (decision.action, decision.reason) == (MeterAction.TRIP, TripReason.NO_CREDIT)
    assert decision.expires_at == NOON + RULES.order_life


def test_at_night_it_is_not_and_at_eight_it_is():
    decision = told([NO_CREDIT], now=NIGHT)
    assert decision.action is None
    assert decision.put_off_until == datetime(2026, 11, 28, 8, tzinfo=CAMPUS)
    assert told([NO_CREDIT], now=decision.put_off_until).action is MeterAction.TRIP


def test_an_order_given_just_before_the_night_does_not_outlive_the_evening():
    decision = told([NO_CREDIT], now=datetime(2026, 11, 27, 22, 58, tzinfo=CAMPUS))
    assert decision.expires_at == datetime(2026, 11, 27, 23, tzinfo=CAMPUS)


def test_what_was_cut_off_by_day_stays_so_at_night():
    assert told([NO_CREDIT], SupplyState.OFF, now=NIGHT).action is None


def test_listed_days_weekends_and_the_night_after_them_are_spared():
    rules = SupplyRules(zone=CAMPUS, quiet_weekdays=frozenset({5, 6}), quiet_days=frozenset({date(2026, 11, 30)}))
    friday_night = datetime(2026, 11, 27, 23, 30, tzinfo=CAMPUS)
    assert find_cut_time(rules, friday_night) == datetime(2026, 12, 1, 8, tzinfo=CAMPUS)
    assert find_quiet_start(rules, NOON) == datetime(2026, 11, 27, 23, tzinfo=CAMPUS)


def test_nobody_is_cut_off_for_money_in_the_cold():
    decision = told([NO_CREDIT], temperature_c=-1)
    assert decision.action is None
    assert decision.look_again_at == NOON + timedelta(hours=1)
    assert told([NO_CREDIT], temperature_c=0).action is MeterAction.TRIP
    assert told([NO_CREDIT], temperature_c=None).action is MeterAction.TRIP


@pytest.mark.parametrize("reason", [TripReason.OVERLOAD, TripReason.MALICIOUS_LOAD, TripReason.STAFF])
def test_danger_and_orders_of_staff_do_not_wait_for_the_morning(reason):
    decision = told([NO_CREDIT, Ground(reason, NIGHT)], now=NIGHT, temperature_c=-20)
    assert (decision.action, decision.reason) == (MeterAction.TRIP, reason)
    assert decision.expires_at == NIGHT + RULES.order_life


def test_an_armed_relay_is_cut_off_too_or_the_resident_would_close_it():
    assert told([Ground(TripReason.STAFF, NOON)], SupplyState.ARMED).action is MeterAction.TRIP


def test_after_a_top_up_the_supply_is_armed_and_never_closed():
    changes = begun(Credit(1), standing=[NO_CREDIT])
    assert changes.ended == (TripReason.NO_CREDIT,)
    restored_by = find_restoring(changes.ended)
    assert told([], SupplyState.OFF, restored_by=restored_by).action is MeterAction.ARM
    assert told([], SupplyState.ARMED, restored_by=restored_by).action is None
    assert told([], SupplyState.ON, restored_by=restored_by).action is None


def test_a_top_up_is_armed_at_night_too():
    assert told([], SupplyState.OFF, restored_by=MeterAction.ARM, now=NIGHT).action is MeterAction.ARM


@pytest.mark.parametrize(("balance", "is_begun"), [(1, False), (0, False), (-499, False), (-500, True), (-501, True)])
def test_emergency_credit_is_used_up_before_the_room_is_cut_off(balance, is_begun):
    assert bool(begun(Credit(balance)).begun) == is_begun


@pytest.mark.parametrize(("balance", "is_over"), [(-500, False), (-1, False), (0, False), (1, True)])
def test_a_top_up_below_the_debt_does_not_end_the_cut_off_and_the_amount_is_told(balance, is_over):
    assert bool(begun(Credit(balance), standing=[NO_CREDIT]).ended) == is_over
    assert find_needed_fen(Credit(balance)) == max(0, 1 - balance)


def test_a_room_with_free_energy_left_is_not_cut_off():
    assert begun(Credit(-10_000, has_quota=True)).begun == ()


def test_a_room_that_pays_nothing_is_not_cut_off():
    assert begun(None).begun == ()


def test_an_empty_room_is_cut_off_and_armed_when_somebody_moves_in():
    changes = begun(Credit(100), residents=0)
    assert [ground.reason for ground in changes.begun] == [TripReason.VACANT]
    assert begun(Credit(100), standing=changes.begun, residents=1).ended == (TripReason.VACANT,)
    assert told(changes.begun, now=NIGHT).action is None, "whoever moves out at midnight is still asleep"


def test_a_curfew_begins_and_ends_by_the_clock_and_closes_by_itself():
    at = datetime(2026, 11, 27, 23, 30, tzinfo=CAMPUS)
    (ground,) = begun(Credit(100), now=at, is_exempt=False).begun
    assert ground == Ground(TripReason.CURFEW, at, datetime(2026, 11, 28, 6, tzinfo=CAMPUS))
    assert told([ground], now=at).action is MeterAction.TRIP
    assert begun(Credit(100), now=ground.until, standing=[ground], is_exempt=False).ended == (TripReason.CURFEW,)
    assert told([], SupplyState.OFF, restored_by=find_restoring([TripReason.CURFEW])).action is MeterAction.CLOSE
    assert begun(Credit(100), now=at, is_exempt=True).begun == ()


def test_a_curfew_that_ends_over_a_room_that_also_paid_arms_it():
    assert find_restoring([TripReason.CURFEW, TripReason.NO_CREDIT]) is MeterAction.ARM


def test_an_overload_comes_back_after_ten_minutes_and_the_third_waits_for_a_request():
    first = begin_overload([], RULES, NOON)
    assert first.until == NOON + timedelta(minutes=10)
    second = begin_overload([NOON], RULES, NOON + timedelta(hours=1))
    assert second.until is not None
    third = begin_overload([NOON, second.began_at], RULES, NOON + timedelta(hours=2))
    assert third.until is None
    assert begun(Credit(100), now=NOON + timedelta(days=9), standing=[third]).ended == ()


def test_overloads_far_apart_are_not_in_a_row():
    earlier = [NOON - timedelta(days=5), NOON - timedelta(days=3)]
    assert begin_overload(earlier, RULES, NOON).until is not None


def test_a_relay_that_somebody_opened_is_armed_and_an_unknown_one_left_alone():
    assert told([], SupplyState.OFF).action is MeterAction.ARM
    assert told([], SupplyState.UNKNOWN).action is None
    assert told([NO_CREDIT], SupplyState.UNKNOWN).action is MeterAction.TRIP


def test_every_reason_says_how_it_ends_and_only_time_closes_by_itself():
    assert set(TRIP_RULES) == set(TripReason)
    closing = {reason for reason, rule in TRIP_RULES.items() if rule.restored_by is MeterAction.CLOSE}
    assert closing == {TripReason.CURFEW}
    assert TRIP_RULES[TripReason.NO_CREDIT].lifted_by is LiftedBy.PAYMENT
    assert not TRIP_RULES[TripReason.NO_CREDIT].may_staff_lift


GROUNDS = st.lists(
    st.builds(Ground, st.sampled_from(TripReason), st.just(NOON - timedelta(days=1))),
    max_size=4,
    unique_by=lambda ground: ground.reason,
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(
    grounds=GROUNDS, supply=st.sampled_from(SupplyState), now=MOMENTS, temperature_c=st.none() | st.integers(-30, 40)
)
def test_nobody_is_ever_cut_off_for_money_at_night_or_in_the_cold(grounds, supply, now, temperature_c):
    rules = SupplyRules(zone=CAMPUS, quiet_weekdays=frozenset({6}))
    decision = told(grounds, supply, now=now, rules=rules, temperature_c=temperature_c)
    local = now.astimezone(CAMPUS)
    if decision.action is MeterAction.TRIP and TRIP_RULES[decision.reason].is_put_off:
        assert 8 <= local.hour < 23
        assert local.weekday() != 6
        assert temperature_c is None or temperature_c >= 0
        ends = decision.expires_at.astimezone(CAMPUS)
        assert (ends.date(), ends.time()) <= (local.date(), time(23))
    if grounds:
        assert decision.action in (None, MeterAction.TRIP)
        assert decision.action is MeterAction.TRIP or supply is SupplyState.OFF or decision.put_off_until > now
    else:
        assert decision.action is not MeterAction.TRIP


@given(now=MOMENTS)
def test_a_cut_that_is_put_off_has_an_hour_at_which_it_comes(now):
    at = find_cut_time(RULES, now)
    assert now <= at <= now + timedelta(hours=9)
    assert find_cut_time(RULES, at) == at


def test_each_warning_is_told_once_on_the_way_down():
    told_now, level = [], 0
    for balance in (5_000, 1_999, 1_500, 999, 10, 0, -200, -500, -600):
        standing = begun(Credit(balance)).begun
        after = find_level(Credit(balance), standing, RULES)
        told_now.append(find_warning(level, after))
        level = after
    low, lent, ahead = NoticeKind.LOW_CREDIT, NoticeKind.EMERGENCY_CREDIT, NoticeKind.CUT_OFF_AHEAD
    assert told_now == [None, low, None, low, None, lent, None, ahead, None]
    assert find_warning(level, 0) is None
    assert find_warning(0, level) is ahead
