"""A clock that was once in the future is believed again on the server's word, and everything kept by it comes down."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from gate_controller.clock import VOUCHED, ClockWatch
from messages import Action, DoorStatus, EventKind, Refusal
from tests.gate_controller.clocks import SetClock
from tests.waiting import until

AHEAD = timedelta(days=400)


NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def test_only_a_time_that_both_tell_gives_the_remembered_one_up() -> None:
    watch = ClockWatch(SetClock(NOW), NOW + AHEAD)
    assert watch.read() == (NOW, False)
    assert watch.accept_server_time(NOW + timedelta(hours=1)) is None, "the server tells another time"
    assert not watch.read()[1]
    assert watch.accept_server_time(NOW + VOUCHED) == NOW + AHEAD
    assert watch.read() == (NOW, True)
    assert watch.accept_server_time(NOW) is None, "nothing is left to give up"


def test_a_server_that_is_wrong_sets_no_clock_and_doubts_none() -> None:
    watch = ClockWatch(SetClock(NOW), NOW)
    assert watch.accept_server_time(NOW + AHEAD) is None
    assert watch.read() == (NOW, True)


def test_the_unsure_clock_says_since_when_and_until_when() -> None:
    told = []
    watch = ClockWatch(SetClock(NOW), NOW + AHEAD)
    watch.when_unsure = lambda at, reached: told.append((at, reached))
    watch.read()
    assert told == [(NOW, NOW + AHEAD)]


def test_a_controller_that_started_once_in_the_future_opens_again(bench, directory, operator) -> None:
    bench.clock.offset = AHEAD
    bench.start()
    operator.state(DoorStatus.LOCKED)
    until(lambda: bench.controller._storage.memory.latest_time is not None)
    bench.controller._storage.memory.keep_wrong_pins(person := uuid4(), 5, bench.clock.now())
    bench.controller.stop()

    bench.clock.offset = timedelta()
    bench.start()
    operator.until(lambda: operator.states and not operator.states[-1].clock_sure)
    assert operator.ask(Action.OPEN).refusal is Refusal.CLOCK_UNSURE
    unsure = operator.event(EventKind.CLOCK_UNSURE)
    assert datetime.fromisoformat(unsure.details["until"]) > datetime.now(UTC) + timedelta(days=399)
    assert abs(datetime.fromisoformat(unsure.details["since"]) - unsure.at) < timedelta(seconds=1)

    bench.controller.accept_server_time(datetime.now(UTC) + timedelta(days=2))
    bench.controller.accept_server_time(datetime.now(UTC))
    operator.event(EventKind.CLOCK_RESTORED)
    operator.until(lambda: operator.states[-1].clock_sure)
    assert operator.ask(Action.OPEN).accepted
    assert bench.controller._storage.memory.latest_time < datetime.now(UTC) + timedelta(minutes=1)
    assert bench.controller._storage.memory.wrong_pins(person)[1] < datetime.now(UTC) + timedelta(minutes=1)
