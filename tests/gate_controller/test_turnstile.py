"""The turnstile: each grant one passage, and every passage told as what it was."""

from uuid import uuid4

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate_controller.barrier import REPEAT_S, advance
from gate_controller.barrier_settings import TurnstileSettings
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.signals import (
    BarrierEvent,
    BarrierMode,
    FireChanged,
    Grant,
    ModeOrdered,
    PassageSensed,
    Signal,
    TimePassed,
)
from gate_controller.turnstile import Turnstile
from messages import Action, DoorStatus, EventKind, Refusal

FORWARD, BACKWARD = PassageSensed(forward=True), PassageSensed(forward=False)


class Played:
    """A lane to which signals have come, half a second apart unless said otherwise."""

    def __init__(self, **settings) -> None:
        self.lane = Turnstile(TurnstileSettings(**settings))
        self.now = 100.0
        self.happened: list[BarrierEvent] = []

    def __call__(self, *signals: Signal, after: float = 0.5) -> list[EventKind]:
        kinds = []
        for signal in signals:
            self.now += after
            self.lane, events = advance(self.lane, signal, self.now)
            self.happened += events
            kinds += [event.kind for event in events]
        return kinds


def test_a_passage() -> None:
    lane, grant = Played(), Grant(uuid4())
    assert lane(grant) == [EventKind.ACCESS_GRANTED]
    assert (lane.lane.status, lane.lane.unlocked) == (DoorStatus.GRANTED, True)
    assert lane(FORWARD) == [EventKind.PASSED]
    assert lane.happened[-1].grant is grant
    assert (lane.lane.status, lane.lane.unlocked) == (DoorStatus.LOCKED, False)


def test_two_passages_on_one_grant() -> None:
    lane, grant = Played(), Grant(uuid4())
    assert lane(grant, FORWARD, FORWARD)[-1] == EventKind.TAILGATED
    assert lane.happened[-1].grant is grant
    assert lane(FORWARD, after=2) == [EventKind.PASSAGE_FORCED]


def test_two_people_with_a_grant_each_are_no_tailgating() -> None:
    lane, one, two = Played(), Grant(uuid4()), Grant(uuid4())
    assert lane(one, two, FORWARD, FORWARD)[2:] == [EventKind.PASSED] * 2
    assert [event.grant for event in lane.happened[2:]] == [one, two]


def test_against_the_direction() -> None:
    lane = Played()
    assert lane(BACKWARD, Grant(), BACKWARD, FORWARD) == [
        EventKind.REVERSE_PASSAGE, EventKind.ACCESS_GRANTED, EventKind.REVERSE_PASSAGE, EventKind.PASSED
    ]  # fmt: skip
    assert Played(reverse_free=True)(BACKWARD) == [EventKind.PASSED]


def test_grants_that_nobody_takes_end_one_by_one() -> None:
    lane, one, two = Played(), Grant(uuid4()), Grant(uuid4())
    lane(one, two)
    assert lane(TimePassed(), after=7.5) == [EventKind.NOT_TAKEN]
    assert lane(FORWARD, after=0.1) == [EventKind.PASSED]
    lane(one, two, after=REPEAT_S)
    assert lane(FORWARD, after=60) == [EventKind.NOT_TAKEN, EventKind.NOT_TAKEN, EventKind.PASSAGE_FORCED]


def test_who_needs_more_time_gets_it() -> None:
    lane = Played()
    lane(Grant(extended=True))
    assert lane(FORWARD, after=19.9) == [EventKind.PASSED]


def test_no_more_people_than_can_be_told_apart() -> None:
    lane = Played(most_waiting=2)
    lane(Grant(), Grant(), Grant())
    assert (lane.happened[-1].granted, lane.happened[-1].reason) == (False, Refusal.TURNSTILE_BUSY)


@pytest.mark.parametrize("free", [FireChanged(True), ModeOrdered(BarrierMode.HELD_OPEN)])
def test_a_free_lane_counts_nobody(free: Signal) -> None:
    lane = Played()
    lane(Grant(), free)
    assert lane.lane.unlocked
    assert lane(FORWARD, BACKWARD, TimePassed(), after=60) == []


def test_a_lockdown_takes_grants_back() -> None:
    lane = Played()
    assert lane(Grant(), ModeOrdered(BarrierMode.LOCKDOWN), Grant())[1:] == [
        EventKind.LOCKDOWN,
        EventKind.ACCESS_DENIED,
    ]
    assert not lane.lane.unlocked


class LaneMachine(RuleBasedStateMachine):
    """Random signals: passages on a grant never outnumber grants, and nothing happens unsaid."""

    def __init__(self) -> None:
        super().__init__()
        self.lane, self.now = Turnstile(), 0.0
        self.granted = self.passed = self.not_taken = 0

    def send(self, signal: Signal) -> list[BarrierEvent]:
        before = self.lane
        self.lane, events = advance(before, signal, self.now)
        assert self.lane.step(TimePassed(), self.now) == (self.lane, None)
        if before.status is not self.lane.status:
            assert events
        self.passed += sum(event.kind is EventKind.PASSED for event in events)
        self.not_taken += sum(event.kind is EventKind.NOT_TAKEN for event in events)
        return events

    @rule(seconds=st.floats(0.01, 12))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(extended=st.booleans())
    def grant(self, extended: bool) -> None:
        happened = self.send(Grant(extended=extended))[-1]
        self.granted += bool(happened.granted)

    @rule(forward=st.booleans())
    def pass_through(self, forward: bool) -> None:
        free = self.lane.fire or self.lane.mode is BarrierMode.HELD_OPEN
        events = self.send(PassageSensed(forward))
        told = [one for one in events if one.kind is not EventKind.NOT_TAKEN]
        assert len(told) == (0 if free else 1)

    @rule(active=st.booleans())
    def alarm(self, active: bool) -> None:
        self.send(FireChanged(active))

    @rule(mode=st.sampled_from(BarrierMode))
    def order(self, mode: BarrierMode) -> None:
        self.send(ModeOrdered(mode))

    @invariant()
    def each_grant_lets_one_person_through(self) -> None:
        assert self.passed + self.not_taken + len(self.lane.waiting) <= self.granted

    @invariant()
    def the_lane_is_released_only_for_a_reason(self) -> None:
        free = self.lane.fire or self.lane.mode is BarrierMode.HELD_OPEN
        assert self.lane.unlocked == (free or bool(self.lane.waiting))
        if self.lane.mode is not BarrierMode.NORMAL:
            assert not self.lane.waiting


LaneMachine.TestCase.settings = hypothesis_settings(max_examples=100, stateful_step_count=30, deadline=None)
TestLaneMachine = LaneMachine.TestCase


def test_the_controller_keeps_a_turnstile(bench, operator) -> None:
    bench.passage, bench.reverse = SimulatedInput(), SimulatedInput()
    bench.start(door=TurnstileSettings())
    operator.state(DoorStatus.LOCKED)
    operator.ask(Action.OPEN)
    assert bench.relay.energised
    for wire in (bench.passage, bench.passage, bench.reverse):
        wire.set(True)
        wire.set(False)
    operator.event(EventKind.REVERSE_PASSAGE)
    assert operator.kinds[1:] == ["access_granted", "passed", "tailgated", "reverse_passage"]
    assert bench.relay.history == [True, False]


def test_a_command_for_a_busy_turnstile_is_refused_under_its_own_name(bench, operator) -> None:
    bench.passage = SimulatedInput()
    bench.start(door=TurnstileSettings(most_waiting=1))
    operator.state(DoorStatus.LOCKED)
    assert operator.ask(Action.OPEN).accepted
    assert operator.ask(Action.OPEN).refusal is Refusal.TURNSTILE_BUSY
    assert operator.event(EventKind.ACCESS_DENIED).reason == Refusal.TURNSTILE_BUSY
