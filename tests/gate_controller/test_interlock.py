"""Two doors of which one opens only while the other is closed and locked."""

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate_controller.barrier import advance
from gate_controller.barrier_settings import DoorSettings
from gate_controller.door import Door
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.readers import ReadingResult
from gate_controller.relays.simulated import SimulatedRelay
from gate_controller.signals import (
    BarrierMode,
    ContactChanged,
    ExitRequested,
    FireChanged,
    Grant,
    InterlockChanged,
    ModeOrdered,
    Signal,
    TimePassed,
)
from messages import Action, DoorStatus, EventKind, Refusal
from tests.gate_controller.conftest import ACTIVE_CARD
from tests.waiting import PATIENCE_S


@pytest.mark.parametrize(("signal", "kind"), [
    (Grant(), EventKind.ACCESS_DENIED), (ExitRequested(), EventKind.EXIT_REFUSED),
])  # fmt: skip
def test_a_door_waits_for_the_other(signal: Signal, kind: EventKind) -> None:
    door, _ = advance(Door(), InterlockChanged(blocked=True), 1.0)
    door, happened = advance(door, signal, 2.0)
    assert [(one.kind, one.reason) for one in happened] == [(kind, Refusal.INTERLOCKED)]
    assert not door.unlocked
    door, _ = advance(door, InterlockChanged(blocked=False), 3.0)
    door, _ = advance(door, signal, 4.0)
    assert door.unlocked


def test_fire_opens_both() -> None:
    door, _ = advance(Door(), InterlockChanged(blocked=True), 1.0)
    door, _ = advance(door, FireChanged(active=True), 2.0)
    assert door.unlocked


class Vestibule(RuleBasedStateMachine):
    """Each door's `secured` is the other's leave."""

    def __init__(self) -> None:
        super().__init__()
        self.doors, self.now, self.fire = [Door(DoorSettings()), Door(DoorSettings())], 0.0, False

    def send(self, which: int, signal: Signal) -> None:
        self.now += 0.01
        self.doors[which], _ = advance(self.doors[which], signal, self.now)
        for one, other in ((0, 1), (1, 0)):
            blocked = InterlockChanged(not self.doors[other].secured)
            self.doors[one], _ = advance(self.doors[one], blocked, self.now)

    @rule(which=st.integers(0, 1), signal=st.sampled_from([Grant(), ExitRequested()]))
    def ask(self, which: int, signal: Signal) -> None:
        self.send(which, signal)

    @rule(which=st.integers(0, 1), is_open=st.booleans())
    def move(self, which: int, is_open: bool) -> None:
        """A lock holds: only a released door is opened here; forcing is a test of its own."""
        if not is_open or self.doors[which].unlocked:
            self.send(which, ContactChanged(is_open))

    @rule(which=st.integers(0, 1), mode=st.sampled_from(BarrierMode))
    def order(self, which: int, mode: BarrierMode) -> None:
        self.send(which, ModeOrdered(mode))

    @rule(seconds=st.floats(0.1, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for which in (0, 1):
            self.send(which, TimePassed())

    @invariant()
    def never_both(self) -> None:
        free = [door.unlocked or door.is_open for door in self.doors]
        assert free != [True, True]


Vestibule.TestCase.settings = hypothesis_settings(max_examples=100, stateful_step_count=30, deadline=None)
TestVestibule = Vestibule.TestCase


def test_the_controller_gives_its_leave_and_waits_for_the_other_one(bench, directory, operator) -> None:
    bench.secured, bench.interlock = SimulatedRelay(), SimulatedInput(active=True)
    bench.start()
    operator.state(DoorStatus.LOCKED)
    assert bench.secured.energised
    assert operator.ask(Action.OPEN).refusal is Refusal.INTERLOCKED
    assert operator.event(EventKind.ACCESS_DENIED).reason == Refusal.INTERLOCKED
    assert bench.reader.present(ACTIVE_CARD).get(timeout=PATIENCE_S) == ReadingResult(False, Refusal.INTERLOCKED)
    bench.interlock.set(False)
    order: list[str] = []
    bench.secured._on_change = lambda on: order.append(f"leave {on}")
    bench.relay._on_change = lambda on: order.append(f"lock {on}")
    assert operator.ask(Action.OPEN).accepted
    bench.contact.set(True)
    operator.state(DoorStatus.OPEN)
    bench.contact.set(False)
    operator.state(DoorStatus.LOCKED)
    assert order == ["leave False", "lock True", "lock False", "leave True"]
