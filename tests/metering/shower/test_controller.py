"""The state machine of a shower's controller, in a world where water flows and messages get lost."""

from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.metering import SessionLimit, SessionStep
from metering.shower.signals import Answered, HeartbeatAnswered, PausePressed, StopPressed
from metering.shower.state import Phase
from metering.vocabulary import SessionRefusal, StopReason
from tests.metering.shower.world import ML_PER_S, POLL_S, World

_PULSE_ML = 3
"""A pulse is 2.2 ml; a session's count loses less than one at its beginning and one at its end."""


@pytest.fixture
def world() -> World:
    world = World()
    world.run(2)
    return world


def test_a_tap_opens_and_a_second_one_of_the_same_card_ends(world: World) -> None:
    world.tap()
    world.run(1)
    assert world.is_open
    world.run(60)
    world.tap()
    world.run(2)
    assert (world.is_open, world.state.phase, world.state.session) == (False, Phase.IDLE, None)
    assert world.last_end.stop_reason == StopReason.LOCAL
    assert abs(world.used_ml(world.last_end) - world.flowed_ml) <= _PULSE_ML
    assert world.last_end.counts[0].open_s == pytest.approx(60, abs=2)


def test_what_a_reader_tells_of_one_tap_again_and_again_is_one_tap(world: World) -> None:
    for _ in range(10):
        world.tap()
        world.run(1)
    assert world.is_open, "a card that lies on the reader neither ends the session that it began"
    world.run(60)
    for _ in range(5):
        world.tap()
        world.run(1)
    assert not world.is_open, "nor begins another one when it ends it"
    assert {report.number for report in world.sent} == {0}
    world.run(3)
    world.tap()
    world.run(1)
    assert world.is_open


def test_another_card_neither_ends_a_session_nor_begins_one(world: World) -> None:
    world.tap(1)
    world.run(5)
    world.tap(2)
    world.run(5)
    assert world.is_open
    assert {report.number for report in world.sent} == {0}
    assert world.shown[-1].notice in {"running", "occupied"}


def test_no_water_flows_before_the_server_has_said_so_or_after_it_refused(world: World) -> None:
    world.refusal = SessionRefusal.NO_CREDIT
    world.tap()
    assert not world.is_open
    world.run(30)
    assert world.flowed_ml == 0
    assert [show.code for show in world.shown if show.notice == "refused"] == [SessionRefusal.NO_CREDIT]
    assert not world.records, "a session that never began leaves nothing"


@pytest.mark.parametrize(
    ("limit", "reason", "used_ml"),
    [
        (SessionLimit(fen=20), StopReason.MONEY_LIMIT, 8_000),
        (SessionLimit(ml=3_000), StopReason.VOLUME_LIMIT, 3_000),
        (SessionLimit(open_s=40), StopReason.TIME_LIMIT, 40 * ML_PER_S),
    ],
)
def test_the_valve_closes_at_the_limit_that_is_reached_first(
    world: World, limit: SessionLimit, reason: StopReason, used_ml: int
) -> None:
    world.limit = limit
    world.tap()
    world.run(200)
    assert world.last_end.stop_reason == reason
    assert used_ml <= world.used_ml(world.last_end) + _PULSE_ML <= used_ml + ML_PER_S * 3 * POLL_S


def test_the_limit_of_every_session_holds_whatever_its_holder_has(world: World) -> None:
    world.limit = SessionLimit(fen=100_000)
    world.tap()
    world.run(1_500)
    assert world.last_end.stop_reason == StopReason.VOLUME_LIMIT
    assert world.used_ml(world.last_end) == pytest.approx(200_000, abs=ML_PER_S)


def test_a_session_ends_when_no_water_flows_for_long(world: World) -> None:
    world.tap()
    world.run(10)
    world.is_tap_open = False
    world.run(58)
    assert world.is_open
    world.run(5)
    assert world.last_end.stop_reason == StopReason.NO_FLOW


def test_a_pause_closes_the_valve_counts_its_seconds_apart_and_ends_when_it_is_too_long(world: World) -> None:
    world.tap()
    world.run(21)
    world.give(PausePressed())
    flowed = world.flowed_ml
    world.run(50)
    assert (world.is_open, world.flowed_ml) == (False, flowed)
    world.give(PausePressed())
    world.run(10)
    assert world.flowed_ml > flowed
    world.give(PausePressed())
    world.run(130)
    assert world.last_end.stop_reason == StopReason.PAUSED_TOO_LONG
    assert world.last_end.counts[0].paused_s == pytest.approx(170, abs=2)
    assert world.last_end.counts[0].open_s == pytest.approx(30, abs=2)


def test_the_stop_key_ends_a_session_that_a_code_opened(world: World) -> None:
    world.scan()
    world.run(10)
    world.give(StopPressed())
    world.run(3)
    assert world.last_end.code is not None
    assert world.last_end.stop_reason == StopReason.LOCAL


def test_a_power_cut_costs_nothing_that_was_not_used(world: World) -> None:
    world.tap()
    world.run(47)
    flowed = world.flowed_ml
    world.now_s += 3_600
    world.boot()
    world.run(2)
    assert world.last_end.stop_reason == StopReason.POWER_LOST
    assert flowed - 2 * _PULSE_ML <= world.used_ml(world.last_end) <= flowed
    assert world.flowed_ml == flowed, "the valve stays closed"


def test_a_valve_that_leaked_while_the_power_was_out_bills_what_was_recorded(world: World) -> None:
    world.tap()
    world.run(47)
    flowed = world.flowed_ml
    world.flowed_ml += 500_000
    world.boot()
    world.run(2)
    assert flowed - ML_PER_S * 6 <= world.used_ml(world.last_end) <= flowed


def test_a_power_cut_while_the_server_was_asked_lets_its_hold_go(world: World) -> None:
    world.answers = False
    world.tap()
    world.run(1)
    world.boot()
    world.answers = True
    world.run(2)
    assert world.used_ml(world.last_end) == 0
    assert world.last_end.step is SessionStep.ENDED


def test_without_an_answer_nobody_waits_long_and_a_hold_that_was_made_is_let_go(world: World) -> None:
    world.answers = False
    world.tap()
    world.run(6)
    assert world.shown[-1].code == SessionRefusal.SERVER_UNAVAILABLE
    world.answers = True
    world.run(60)
    assert world.used_ml(world.last_end) == 0
    assert not world.records


def test_offline_a_card_has_its_own_limit_over_all_its_sessions_that_wait() -> None:
    world = World(offline_fen=30)
    world.run(2)
    world.answers = False
    world.tap(1)
    world.run(60)
    assert world.is_open
    world.tap(1)
    world.run(5)
    used_first = world.flowed_ml
    world.tap(1)
    world.run(600)
    assert not world.is_open
    # 30 fen are 12 litres, all sessions together.
    assert world.flowed_ml == pytest.approx(12_000, abs=ML_PER_S * 3)
    assert used_first < world.flowed_ml
    world.tap(1)
    world.run(10)
    assert not world.is_open, "nothing is left to this card"
    world.tap(2)
    world.run(10)
    assert world.is_open, "another card has a limit of its own"


def test_a_session_that_began_offline_asks_for_its_hold_as_soon_as_the_server_hears_it() -> None:
    world = World(offline_fen=300)
    world.run(2)
    world.answers = False
    world.tap(1)
    world.run(30)
    world.sent.clear()
    world.run(30)
    steps = [report.step for report in world.sent]
    assert steps[::2] == [SessionStep.AUTHORISE] * (len(steps) // 2), "the question goes before each report"
    assert set(steps[1::2]) == {SessionStep.UPDATED}
    world.answers = True
    world.run(21)
    world.sent.clear()
    world.run(45)
    assert world.is_open
    assert {report.step for report in world.sent} == {SessionStep.UPDATED}


def test_a_code_that_nobody_can_judge_opens_nothing_offline() -> None:
    world = World(offline_fen=30)
    world.run(2)
    world.answers = False
    world.scan()
    world.run(10)
    assert world.flowed_ml == 0


def test_all_ends_of_an_outage_reach_the_server_soon_after_it() -> None:
    world = World(offline_fen=3_000)
    world.run(2)
    world.answers = False
    for number in range(20):
        world.tap(number)
        world.run(20)
        world.tap(number)
        world.run(3)
    assert len(world.state.unsettled) == 20
    world.answers = True
    world.run(90)
    assert len(world.ended) == 20
    assert not world.records
    assert sum(map(world.used_ml, world.ended.values())) == pytest.approx(world.flowed_ml, abs=20 * _PULSE_ML)


def test_an_end_stands_in_each_heartbeat_until_it_is_acknowledged(world: World) -> None:
    world.tap()
    world.run(10)
    world.answers = False
    world.tap()
    world.run(70)
    assert [beat.unsettled.step for beat in world.heartbeats[-2:] if beat.unsettled] == [SessionStep.ENDED] * 2
    world.answers = True
    world.run(40)
    world.run(31)
    assert world.heartbeats[-1].unsettled is None


def test_a_valve_that_does_not_close_ends_the_session_where_it_should_and_takes_no_other(world: World) -> None:
    world.tap()
    world.run(20)
    used = world.flowed_ml
    world.valve_sticks = True
    world.tap()
    world.run(30)
    assert world.last_end.stop_reason == StopReason.VALVE_STUCK
    assert world.used_ml(world.last_end) <= used + ML_PER_S * 4, "what flows on is the campus's loss"
    world.tap(2)
    world.run(5)
    assert world.shown[-1].notice == "out_of_order"
    assert world.state.faults == ("valve",)
    world.valve_sticks = False
    world.run(15)
    world.tap(2)
    world.run(2)
    assert world.is_open


def test_a_counter_that_goes_back_ends_the_session_and_stands_in_the_report(world: World) -> None:
    world.tap()
    world.run(30)
    world.flowed_ml -= 2_000
    world.run(5)
    assert world.last_end.stop_reason == StopReason.METER_FAULT
    assert [count.went_back for count in world.last_end.counts] == [True], "the reason is a hint, this is not"
    assert not world.is_open


def test_meters_that_fall_silent_end_the_session(world: World) -> None:
    world.tap()
    world.run(30)
    world.meters_answer = False
    world.run(15)
    assert not world.is_open
    world.run(5)
    world.tap(2)
    assert world.shown[-1].notice == "out_of_order"
    assert world.last_end.stop_reason == StopReason.METER_SILENT


def test_an_answer_of_the_past_changes_nothing(world: World) -> None:
    world.tap()
    world.run(1)
    first = world.answer(world.sent[0]).model_copy(update={"stop": "remote", "refusal": "card_blocked"})
    old = world.answer_heartbeat(world.heartbeats[-1]).model_copy(update={"seq": 99, "revision": "stolen"})
    before = world.state
    world.give(Answered(first))
    world.give(HeartbeatAnswered(old))
    assert world.state == before


def test_the_server_may_end_a_session(world: World) -> None:
    world.tap()
    world.run(21)
    report = world.sent[-1]
    world.give(Answered(world.answer(report).model_copy(update={"stop": "card_blocked"})))
    world.run(3)
    assert world.last_end.stop_reason == StopReason.REMOTE


class Doings:
    """What can happen at a shower."""

    every: ClassVar = {
        "tap": lambda world: world.tap(1),
        "other": lambda world: world.tap(2),
        "pause": lambda world: world.give(PausePressed()),
        "wait": lambda world: world.run(7),
        "long": lambda world: world.run(65),
        "power": World.boot,
        "away": lambda world: setattr(world, "answers", False),
        "back": lambda world: setattr(world, "answers", True),
        "shut": lambda world: setattr(world, "is_tap_open", not world.is_tap_open),
    }


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(Doings.every)), max_size=30), st.sampled_from([0, 200]))
def test_whatever_happens_every_session_ends_once_and_bills_no_more_than_flowed(
    doings: list[str], offline_fen: int
) -> None:
    world = World(offline_fen=offline_fen)
    world.run(2)
    cuts = 0
    for name in doings:
        cuts += name == "power"
        Doings.every[name](world)
        assert not world.is_open or world.state.session is not None, "no water without a session"
    world.answers, world.is_tap_open = True, False
    world.run(400)
    assert not world.is_open
    assert (world.records, world.state.unsettled) == ({}, ())
    began = {report.session for report in world.sent if report.step is SessionStep.STARTED}
    assert began <= set(world.ended)
    billed = sum(map(world.used_ml, world.ended.values()))
    assert billed <= world.flowed_ml
    assert billed >= world.flowed_ml - len(began) * _PULSE_ML, "what the meters kept over a cut is not lost either"
