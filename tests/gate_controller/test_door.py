"""The door: every state by name, and rules that no sequence of signals may break."""

from uuid import uuid4

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate_controller.barrier import advance
from gate_controller.barrier_settings import DoorSettings
from gate_controller.door import Door
from gate_controller.door_phase import Phase
from gate_controller.signals import (
    Authority,
    BarrierEvent,
    BarrierMode,
    ContactChanged,
    ExitRequested,
    FireChanged,
    Grant,
    ModeOrdered,
    Signal,
    TamperChanged,
    TimePassed,
)
from messages import DoorStatus, EventKind

SETTINGS = DoorSettings()
OPENED, CLOSED = ContactChanged(True), ContactChanged(False)
HOLD, LOCK, LOCKDOWN, RELEASE = (
    ModeOrdered(mode)
    for mode in (BarrierMode.HELD_OPEN, BarrierMode.ALWAYS_CLOSED, BarrierMode.LOCKDOWN, BarrierMode.NORMAL)
)


class Played:
    """A door to which signals have come, one a second unless said otherwise."""

    def __init__(self, **settings) -> None:
        self.door = Door(DoorSettings(**settings))
        self.now = 100.0
        self.happened: list[BarrierEvent] = []

    def __call__(self, *signals: Signal, after: float = 1.0) -> list[EventKind]:
        kinds = []
        for signal in signals:
            self.now += after
            self.door, events = advance(self.door, signal, self.now)
            self.happened += events
            kinds += [event.kind for event in events]
        return kinds

    @property
    def is_(self) -> tuple[DoorStatus, bool]:
        return self.door.status, self.door.unlocked


def test_a_door_starts_locked() -> None:
    assert Played().is_ == (DoorStatus.LOCKED, False)


def test_a_passage() -> None:
    door, grant = Played(), Grant(person_id=uuid4())
    assert door(grant) == [EventKind.ACCESS_GRANTED]
    assert door.is_ == (DoorStatus.GRANTED, True)
    assert door(OPENED) == [EventKind.PASSED]
    assert door.is_ == (DoorStatus.OPEN, False)
    assert door(CLOSED) == [EventKind.CLOSED]
    assert door.is_ == (DoorStatus.LOCKED, False)
    assert [event.grant for event in door.happened] == [grant, grant, None]


def test_a_lock_that_must_not_fall_into_an_open_door_waits_for_it() -> None:
    door = Played(relock_on_open=False)
    door(Grant(), OPENED)
    assert door.is_ == (DoorStatus.OPEN, True)
    door(CLOSED)
    assert door.is_ == (DoorStatus.LOCKED, False)


def test_a_grant_that_nobody_takes_ends() -> None:
    door = Played()
    door(Grant())
    assert door(TimePassed(), after=4.9) == []
    assert door(TimePassed(), after=0.1) == [EventKind.NOT_TAKEN]
    assert door.is_ == (DoorStatus.LOCKED, False)


def test_without_a_contact_nobody_knows_whether_it_was_taken() -> None:
    door = Played(has_contact=False)
    assert door(Grant()) + door(TimePassed(), after=5) == [EventKind.ACCESS_GRANTED, EventKind.RELOCKED]


def test_an_opening_after_the_grant_is_over_is_forced() -> None:
    door = Played()
    door(Grant())
    assert door(OPENED, after=5) == [EventKind.NOT_TAKEN, EventKind.DOOR_FORCED]


def test_who_needs_more_time_gets_it() -> None:
    door = Played()
    door(Grant(extended=True))
    assert door(TimePassed(), after=14.9) == []
    assert door(OPENED, after=0.05) == [EventKind.PASSED]
    assert door(TimePassed(), after=59) == []
    assert door(TimePassed(), after=1) == [EventKind.DOOR_HELD]


def test_a_door_that_stands_open_is_held_until_it_is_closed() -> None:
    door = Played()
    door(Grant(), OPENED)
    assert door(TimePassed(), after=30) == [EventKind.DOOR_HELD]
    assert door.is_ == (DoorStatus.HELD, False)
    assert door(CLOSED, after=12) == [EventKind.DOOR_HELD_ENDED]
    assert door.happened[-1].details == {"seconds": 12.0}
    assert door.is_ == (DoorStatus.LOCKED, False)


def test_an_opening_without_a_grant_is_forced_until_it_is_closed() -> None:
    door = Played()
    assert door(OPENED) == [EventKind.DOOR_FORCED]
    assert door.is_ == (DoorStatus.FORCED, False)
    assert door(Grant()) == [EventKind.ACCESS_GRANTED]
    assert door.is_ == (DoorStatus.FORCED, False)
    assert door(CLOSED) == [EventKind.DOOR_FORCED_ENDED]


def test_a_second_person_through_the_open_door() -> None:
    door = Played()
    door(Grant(), OPENED)
    assert door(Grant(), after=20) == [EventKind.ACCESS_GRANTED]
    assert door(TimePassed(), after=29) == []
    assert door(TimePassed(), after=1) == [EventKind.DOOR_HELD]


def test_a_door_that_falls_shut_before_the_second_person_opens_again() -> None:
    door = Played()
    door(Grant(), OPENED, Grant())
    assert door(CLOSED, after=2) == [EventKind.CLOSED]
    assert door.is_ == (DoorStatus.GRANTED, True)
    assert door(TimePassed(), after=3) == [EventKind.RELOCKED]
    assert door.is_ == (DoorStatus.LOCKED, False)


def test_the_exit_button_releases_the_lock() -> None:
    door = Played()
    assert door(ExitRequested(), OPENED, CLOSED) == [EventKind.EXIT_REQUESTED, EventKind.PASSED, EventKind.CLOSED]
    assert door.happened[1].details == {"exit": True}


def test_an_exit_button_that_only_explains() -> None:
    door = Played(exit_unlocks=False)
    assert door(ExitRequested(), ExitRequested()) == [EventKind.EXIT_REQUESTED]
    assert door.is_ == (DoorStatus.LOCKED, False)
    assert door(OPENED, CLOSED) == [EventKind.PASSED, EventKind.CLOSED]
    door(ExitRequested())
    assert door(OPENED, after=5) == [EventKind.DOOR_FORCED]


def test_a_button_held_down_is_one_request() -> None:
    door = Played()
    assert door(*[ExitRequested()] * 5, after=0.2) == [EventKind.EXIT_REQUESTED]
    assert door(TimePassed(), after=5) == [EventKind.RELOCKED]


def test_a_sensor_that_sees_who_just_came_in_asks_for_no_exit() -> None:
    door = Played(exit_ignored_s=4.0)
    door(Grant(), OPENED)
    assert door(ExitRequested(), CLOSED, ExitRequested(), ExitRequested()) == [EventKind.CLOSED]
    assert door.is_ == (DoorStatus.LOCKED, False)
    assert door(ExitRequested(), after=2) == [EventKind.EXIT_REQUESTED], "who really goes is let out"
    assert door(OPENED, CLOSED, ExitRequested())[-1] is EventKind.EXIT_REQUESTED, "an exit hides no other one"


def test_held_open_by_staff() -> None:
    door = Played()
    assert door(HOLD, HOLD) == [EventKind.HELD_OPEN]
    assert door.is_ == (DoorStatus.HELD_OPEN, True)
    assert door(OPENED, CLOSED, OPENED) == []
    assert door(RELEASE) == [EventKind.RELEASED]
    assert door.is_ == (DoorStatus.OPEN, False)
    assert door(TimePassed(), after=30) == [EventKind.DOOR_HELD]


def test_always_closed_refuses_everyone_and_lets_everybody_out() -> None:
    door = Played()
    assert door(LOCK, Grant()) == [EventKind.ALWAYS_CLOSED, EventKind.ACCESS_DENIED]
    assert door.is_ == (DoorStatus.ALWAYS_CLOSED, False)
    assert door(ExitRequested()) == [EventKind.EXIT_REQUESTED]
    assert door.is_ == (DoorStatus.GRANTED, True)
    assert door(OPENED, CLOSED, RELEASE) == [EventKind.PASSED, EventKind.CLOSED, EventKind.RELEASED]


def test_lockdown_ends_a_grant_and_only_a_release_ends_it() -> None:
    door = Played()
    door(Grant())
    assert door(LOCKDOWN) == [EventKind.LOCKDOWN]
    assert door.is_ == (DoorStatus.LOCKDOWN, False)
    assert door(HOLD, LOCK, Grant()) == [EventKind.ACCESS_DENIED] * 3
    assert door.is_ == (DoorStatus.LOCKDOWN, False)
    assert door(RELEASE, Grant()) == [EventKind.RELEASED, EventKind.ACCESS_GRANTED]


@pytest.mark.parametrize(("closes", "expected"), [(False, EventKind.EXIT_REQUESTED), (True, EventKind.EXIT_REFUSED)])
def test_the_way_out_in_a_lockdown(closes: bool, expected: EventKind) -> None:
    door = Played(lockdown_closes_exit=closes)
    door(LOCKDOWN)
    assert door(ExitRequested()) == [expected]
    assert door.door.unlocked is not closes


def test_staff_stand_above_the_schedule() -> None:
    door = Played()
    assert door(ModeOrdered(BarrierMode.HELD_OPEN, Authority.SCHEDULE), LOCK) == [
        EventKind.HELD_OPEN,
        EventKind.ALWAYS_CLOSED,
    ]
    assert (
        door(
            ModeOrdered(BarrierMode.NORMAL, Authority.SCHEDULE), ModeOrdered(BarrierMode.HELD_OPEN, Authority.SCHEDULE)
        )
        == []
    )
    assert door(RELEASE) == [EventKind.HELD_OPEN]
    assert door.is_ == (DoorStatus.HELD_OPEN, True)


@pytest.mark.parametrize("before", [(), (LOCK,), (LOCKDOWN,), (HOLD,), (Grant(),), (OPENED,), (Grant(), OPENED)])
def test_fire_opens_whatever_holds_and_its_end_is_recorded(before: tuple[Signal, ...]) -> None:
    door = Played(lockdown_closes_exit=True)
    door(*before)
    mode = door.door.mode
    assert door(FireChanged(True), FireChanged(True)) == [EventKind.FIRE_OPENED]
    assert door.is_ == (DoorStatus.FIRE_OPEN, True)
    assert door(OPENED, CLOSED, TimePassed(), after=100) == []
    assert door(FireChanged(False)) == [EventKind.FIRE_RESTORED]
    assert door.door.mode is mode
    assert door.door.unlocked is (mode is BarrierMode.HELD_OPEN)


def test_a_release_during_a_fire_raises_no_alarm_in_it() -> None:
    door = Played()
    door(HOLD, FireChanged(True), OPENED, RELEASE)
    assert door(TimePassed(), after=1000) == []
    door(FireChanged(False))
    assert door.is_ == (DoorStatus.OPEN, False)


def test_tamper_is_told_once_and_its_end_too() -> None:
    door = Played()
    signals = [TamperChanged(True), TamperChanged(True), TamperChanged(False)]
    assert door(*signals) == [EventKind.TAMPER, EventKind.TAMPER_ENDED]


class DoorMachine(RuleBasedStateMachine):
    """Random signals; an independent account of the grants says when the lock may be released."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.granted_until = self.exit_until = -1.0
        self.fire = False
        self.play = None

    def send(self, signal: Signal) -> list[BarrierEvent]:
        if self.play is None:
            self.play = Door(SETTINGS)
        before = self.play
        self.play, events = advance(before, signal, self.now)
        settled, none = self.play.step(TimePassed(), self.now)
        assert (settled, none) == (self.play, None)
        assert len(events) <= 2
        if before.status is not self.play.status:
            assert events, f"{before.status} became {self.play.status} and nothing was said"
        return events

    @rule(seconds=st.floats(0.01, 90))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.send(TimePassed())

    @rule(seconds=st.floats(0.01, 90))
    def wait_unnoticed(self, seconds: float) -> None:
        """The process was asleep; the next signal finds time run out."""
        self.now += seconds

    @rule(extended=st.booleans())
    def grant(self, extended: bool) -> None:
        events = self.send(Grant(extended=extended))
        assert events[-1].kind in {EventKind.ACCESS_GRANTED, EventKind.ACCESS_DENIED}
        if events[-1].granted:
            lasting = SETTINGS.extended_grant_s if extended else SETTINGS.grant_s
            self.granted_until = max(self.granted_until, self.now + lasting)

    @rule(is_open=st.booleans())
    def contact(self, is_open: bool) -> None:
        self.send(ContactChanged(is_open))

    @rule()
    def exit(self) -> None:
        self.send(ExitRequested())
        self.exit_until = self.now + SETTINGS.exit_s

    @rule(active=st.booleans())
    def alarm(self, active: bool) -> None:
        self.fire = active
        self.send(FireChanged(active))

    @rule(mode=st.sampled_from(BarrierMode), by=st.sampled_from(Authority))
    def order(self, mode: BarrierMode, by: Authority) -> None:
        if by is Authority.STAFF or mode is not BarrierMode.LOCKDOWN:
            self.send(ModeOrdered(mode, by))

    @invariant()
    def the_lock_is_released_only_for_a_reason(self) -> None:
        door = self.play
        if door is None or not door.unlocked or door.step(TimePassed(), self.now)[1]:
            return
        by_grant = self.now < self.granted_until and door.mode is BarrierMode.NORMAL
        by_exit = self.now < self.exit_until
        assert self.fire or door.mode is BarrierMode.HELD_OPEN or by_grant or by_exit

    @invariant()
    def fire_always_opens(self) -> None:
        if self.fire:
            assert self.play.unlocked
            assert self.play.status is DoorStatus.FIRE_OPEN

    @invariant()
    def a_free_door_has_no_passage_and_no_alarm(self) -> None:
        if self.play is not None and (self.play.fire or self.play.mode is BarrierMode.HELD_OPEN):
            assert self.play.phase is Phase.LOCKED
            assert self.play.deadline is None

    @invariant()
    def a_passage_knows_whether_the_door_is_open(self) -> None:
        if self.play is not None:
            if self.play.phase in {Phase.OPEN, Phase.HELD, Phase.FORCED}:
                assert self.play.is_open
            if self.play.phase is Phase.GRANTED:
                assert self.play.deadline is not None


DoorMachine.TestCase.settings = hypothesis_settings(max_examples=300, stateful_step_count=40, deadline=None)
TestDoorMachine = DoorMachine.TestCase
