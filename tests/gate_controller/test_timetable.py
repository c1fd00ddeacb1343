"""The door by schedule."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from access.policy import DoorMode, DoorModeRule, GatePolicy
from access.schedules import Schedule, SpecialDays, Window
from gate_controller.signals import Authority, BarrierMode, ModeOrdered
from gate_controller.timetable import EVERY_S, Timetable, scheduled_mode
from messages import Action, DoorStatus, EventKind
from tests.waiting import until

ZONE = ZoneInfo("Asia/Shanghai")
LECTURES = Schedule(
    name="lectures",
    windows=(Window(start=time(8), end=time(12), days=(0, 1, 2, 3, 4)),),
    special_days=(SpecialDays(name="holiday", first=date(2026, 11, 25), last=date(2026, 11, 25)),),
)
NIGHT = Schedule(name="night", windows=(Window(start=time(23), end=time(6)),))
POLICY = GatePolicy(
    gate="north",
    schedules=(LECTURES, NIGHT),
    door_modes=(
        DoorModeRule(mode=DoorMode.ALWAYS_CLOSED, schedule="night"),
        DoorModeRule(mode=DoorMode.HELD_OPEN, schedule="lectures"),
    ),
)


class Known:
    """A directory that is only a policy."""

    def __init__(self, policy: GatePolicy | None) -> None:
        self.policy = policy


def campus(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("at", "mode"),
    [
        (campus(23, 7, 59), BarrierMode.NORMAL),
        (campus(23, 8), BarrierMode.HELD_OPEN),
        (campus(23, 11, 59), BarrierMode.HELD_OPEN),
        (campus(23, 12), BarrierMode.NORMAL),
        (campus(23, 23), BarrierMode.ALWAYS_CLOSED),
        (campus(24, 5, 59), BarrierMode.ALWAYS_CLOSED),
        (campus(25, 9), BarrierMode.NORMAL),  # a holiday
        (campus(28, 9), BarrierMode.NORMAL),  # a Saturday
    ],
)
def test_the_timetable_by_the_clock_on_the_wall(at: datetime, mode: BarrierMode) -> None:
    assert scheduled_mode(POLICY, at.astimezone(UTC)) is mode


def test_nobody_orders_anything_without_a_directory() -> None:
    assert scheduled_mode(None, campus(23, 9)) is BarrierMode.NORMAL
    assert Timetable(None).next_order(campus(23, 9), 1.0, clock_sure=True) is None


def test_a_schedule_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="feast"):
        GatePolicy(gate="north", door_modes=(DoorModeRule(mode=DoorMode.HELD_OPEN, schedule="feast"),))


@given(st.lists(st.tuples(st.integers(0, 4 * 24 * 60), st.booleans()), max_size=60))
def test_each_edge_is_ordered_once_and_a_doubtful_clock_holds_nothing_open(looks: list[tuple[int, bool]]) -> None:
    timetable, seconds, ordered = Timetable(Known(POLICY)), 0.0, BarrierMode.NORMAL
    for minutes, sure in looks:
        seconds += EVERY_S
        order = timetable.next_order(campus(23, 0) + timedelta(minutes=minutes), seconds, clock_sure=sure)
        if order is not None:
            assert order.by is Authority.SCHEDULE
            assert order.mode is not ordered
            ordered = order.mode
        if sure:
            assert ordered is scheduled_mode(POLICY, campus(23, 0) + timedelta(minutes=minutes))
        else:
            assert ordered is not BarrierMode.HELD_OPEN


def test_it_looks_once_a_second_and_hears_of_a_new_policy() -> None:
    known = Known(None)
    timetable = Timetable(known)
    assert timetable.next_order(campus(23, 9), 10.0, clock_sure=True) is None
    known.policy = POLICY
    assert timetable.next_order(campus(23, 9), 10.5, clock_sure=True) is None
    assert timetable.next_order(campus(23, 9), 11.0, clock_sure=True) == ModeOrdered(
        BarrierMode.HELD_OPEN, Authority.SCHEDULE
    )


def test_a_directory_that_cannot_be_read_changes_nothing() -> None:
    class Broken(Known):
        broken = False

        def __getattribute__(self, name: str) -> object:
            if name == "policy" and Broken.broken:
                raise OSError("the disk has failed")
            return super().__getattribute__(name)

    timetable = Timetable(Broken(POLICY))
    assert timetable.next_order(campus(23, 9), 1.0, clock_sure=True) == ModeOrdered(
        BarrierMode.HELD_OPEN, Authority.SCHEDULE
    )
    Broken.broken = True
    assert timetable.next_order(campus(23, 13), 2.0, clock_sure=True) is None
    Broken.broken = False
    assert timetable.next_order(campus(23, 13), 3.0, clock_sure=True) == ModeOrdered(
        BarrierMode.NORMAL, Authority.SCHEDULE
    )


class ScheduledReplica:
    """A replica whose policy the test sets."""

    synced_at, revision = None, 1

    def __init__(self) -> None:
        self.policy: GatePolicy | None = None

    def by_credential(self, *_: object) -> None:
        return None


def test_a_door_is_held_open_and_closed_by_schedule_also_without_a_broker(bench, operator) -> None:
    bench.directory = replica = ScheduledReplica()
    bench.start()
    operator.state(DoorStatus.LOCKED)
    always = Schedule(name="all-day", windows=(Window(start=time(0), end=time(0)),))

    def by_schedule(mode: DoorMode | None) -> None:
        rules = (DoorModeRule(mode=mode, schedule="all-day"),) if mode is not None else ()
        replica.policy = GatePolicy(gate="north", schedules=(always,), door_modes=rules)

    by_schedule(DoorMode.HELD_OPEN)
    assert operator.state(DoorStatus.HELD_OPEN).unlocked
    assert operator.event(EventKind.HELD_OPEN).details["by"] == "schedule"
    assert operator.ask(Action.LOCK).accepted
    operator.state(DoorStatus.ALWAYS_CLOSED)
    assert operator.ask(Action.RELEASE).accepted
    operator.state(DoorStatus.HELD_OPEN)

    bench.broker.stop()
    by_schedule(DoorMode.ALWAYS_CLOSED)
    until(lambda: not bench.relay.energised)
    bench.broker.start()
    assert not operator.state(DoorStatus.ALWAYS_CLOSED).unlocked
    operator.until(lambda: operator.kinds.count("held_open") == 2)
