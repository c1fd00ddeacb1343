"""Supervised loops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_controller.barrier import advance
from gate_controller.door import Door
from gate_controller.signals import WireChanged
from gate_controller.supervision import Loop, LoopLimits, LoopState
from messages import EventKind


@pytest.mark.parametrize(
    ("part", "state"),
    [(0.0, LoopState.SHORT), (1 / 2, LoopState.CLOSED), (2 / 3, LoopState.OPEN), (1.0, LoopState.CUT),
     (float("nan"), LoopState.CUT)],
)  # fmt: skip
def test_what_a_voltage_means(part: float, state: LoopState) -> None:
    loop = Loop().measure(part, 1.0).measure(part, 2.0)
    assert loop.state is state
    assert (loop.fault is not None) == (state in {LoopState.SHORT, LoopState.CUT})


def test_a_bounce_is_no_change() -> None:
    loop = Loop()
    for at, part in ((1.0, 1.0), (1.01, 0.5), (1.02, 2 / 3), (1.03, 0.5), (1.04, 1.0)):
        loop = loop.measure(part, at)
    assert loop.state is LoopState.CLOSED


@given(st.lists(st.tuples(st.floats(0.001, 0.2), st.floats(0, 1)), max_size=60))
def test_a_state_counts_only_after_it_has_lasted(measurements: list[tuple[float, float]]) -> None:
    loop, now, seen, since = Loop(), 0.0, LoopState.CLOSED, 0.0
    for pause, part in measurements:
        now += pause
        before, loop = loop, loop.measure(part, now)
        if (state := loop.classify(part)) is not seen:
            seen, since = state, now
        if loop.state is not before.state:
            assert loop.state is seen
            assert now >= since + loop.limits.settle_s


def test_limits_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        LoopLimits(short_below=0.9)


def test_a_broken_wire_is_one_event_and_so_is_its_mending() -> None:
    door, kinds = Door(), []
    for now, fault in enumerate(["cut", "cut", "short", None, None]):
        door, happened = advance(door, WireChanged("contact", fault), float(now))
        kinds += [(one.kind, one.reason) for one in happened]
    assert kinds == [
        (EventKind.WIRE_FAULT, "cut"), (EventKind.WIRE_FAULT, "short"), (EventKind.WIRE_RESTORED, "short")
    ]  # fmt: skip
