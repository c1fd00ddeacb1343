"""What outlives a power cut, and whether a clock can be believed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate_controller.clock import ClockWatch
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.signals import BarrierMode
from tests.gate_controller.clocks import SetClock

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mode", "after"),
    [
        (BarrierMode.NORMAL, BarrierMode.NORMAL), (BarrierMode.HELD_OPEN, BarrierMode.NORMAL),
        (BarrierMode.ALWAYS_CLOSED, BarrierMode.ALWAYS_CLOSED), (BarrierMode.LOCKDOWN, BarrierMode.LOCKDOWN),
    ],
)  # fmt: skip
def test_an_order_to_close_is_remembered(tmp_path: Path, mode: BarrierMode, after: BarrierMode) -> None:
    DoorMemory(tmp_path / "memory.db").staff_mode = mode
    assert DoorMemory(tmp_path / "memory.db").staff_mode is after


def test_a_new_memory_knows_nothing(tmp_path: Path) -> None:
    memory = DoorMemory(tmp_path / "memory.db")
    assert (memory.staff_mode, memory.latest_time) == (BarrierMode.NORMAL, None)
    memory.latest_time = NOW
    assert memory.latest_time == NOW


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "memory.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(DoorMemoryError, match=r"memory\.db"):
        DoorMemory(tmp_path / "memory.db")


def test_a_clock_behind_what_is_known_is_not_believed_until_it_has_caught_up() -> None:
    clock = SetClock(NOW - timedelta(days=400))
    watch, told = ClockWatch(clock, NOW), []
    watch.when_unsure = lambda at, until: told.append((at, until))
    assert [watch.read()[1] for _ in range(3)] == [False] * 3
    assert told == [(clock.at, NOW)]
    clock.at = NOW + timedelta(seconds=1)
    assert watch.read() == (clock.at, True)


def test_a_clock_set_back_is_noticed() -> None:
    clock = SetClock(NOW)
    watch = ClockWatch(clock)
    assert watch.read()[1]
    clock.at = NOW - timedelta(seconds=1)
    assert watch.read()[1], "a correction by a moment is no reason to refuse people"
    clock.at = NOW - timedelta(seconds=3)
    assert not watch.read()[1]


def test_a_time_heard_from_the_server_counts() -> None:
    clock = SetClock(NOW - timedelta(days=1))
    watch = ClockWatch(clock)
    watch.advance_latest(NOW)
    assert not watch.read()[1]
