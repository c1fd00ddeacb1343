"""The server's clock: believed while it goes on from where it was, and otherwise only when somebody vouches for it."""

from datetime import UTC, datetime, timedelta

import pytest

from operations.server_clock import LONGEST_PAUSE, STEADY, ClockDoubt, ServerClock, Witness

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STEADY_S = STEADY.total_seconds()


def running(at: datetime = NOW) -> ServerClock:
    return ServerClock(at, 0.0, resumed=False)


def why(clock: ServerClock) -> ClockDoubt | None:
    return clock.doubt.why if clock.doubt is not None else None


@pytest.mark.parametrize(
    ("off", "expected"),
    [
        (timedelta(0), None),
        (timedelta(minutes=4), None),
        (timedelta(minutes=-1), None),
        (timedelta(hours=3), ClockDoubt.AHEAD),
        (3 * DAY, ClockDoubt.AHEAD),
        (400 * DAY, ClockDoubt.AHEAD),
        (timedelta(minutes=-10), ClockDoubt.BEHIND),
        (-400 * DAY, ClockDoubt.BEHIND),
    ],
)
def test_a_running_clock_that_jumps_is_doubted(off: timedelta, expected: ClockDoubt | None) -> None:
    assert why(running().advance(NOW + timedelta(seconds=60) + off, 60.0)) is expected


@pytest.mark.parametrize(
    ("away", "expected"),
    [(timedelta(minutes=1), None), (LONGEST_PAUSE, None), (2 * DAY, ClockDoubt.AHEAD), (-DAY, ClockDoubt.BEHIND)],
)
def test_a_server_that_starts_goes_on_from_the_time_on_record(away: timedelta, expected: ClockDoubt | None) -> None:
    assert why(ServerClock(NOW, 7.0).advance(NOW + away, 7.0)) is expected


def test_a_clock_that_comes_back_is_believed_at_once() -> None:
    jumped = running().advance(NOW + 400 * DAY, 1.0)
    assert jumped.expected(75.0) == NOW + timedelta(seconds=75)
    assert why(jumped.advance(NOW + timedelta(seconds=75), 75.0)) is None


def test_many_small_steps_do_not_add_up() -> None:
    clock = running()
    for minute in range(1, 30):
        clock = clock.advance(NOW + minute * timedelta(minutes=3), minute * 60.0)
    assert why(clock) is ClockDoubt.AHEAD


def test_a_day_of_true_time_is_no_jump() -> None:
    clock = running()
    for minute in range(24 * 60):
        clock = clock.advance(NOW + minute * timedelta(minutes=1, milliseconds=10), minute * 60.0)
    assert why(clock) is None


def after(away: timedelta, seconds: float, *witnesses: Witness, confirmed_at: datetime | None = None) -> ServerClock:
    """A server that was away, and looks again after so many seconds."""
    began = ServerClock(NOW, 0.0).advance(NOW + away, 0.0)
    now = NOW + away + timedelta(seconds=seconds)
    return began.advance(now, seconds, witnesses=witnesses, confirmed_at=confirmed_at)


def test_a_long_downtime_ends_with_the_word_of_gates_that_were_up_all_the_while() -> None:
    then = NOW + 5 * DAY + timedelta(seconds=STEADY_S)
    gate = Witness(then, (6 * DAY).total_seconds())
    assert why(after(5 * DAY, STEADY_S, gate)) is None
    assert why(after(5 * DAY, STEADY_S - 1, gate)) is ClockDoubt.AHEAD, "it has not run evenly for long enough"
    assert why(after(5 * DAY, STEADY_S)) is ClockDoubt.AHEAD, "time alone proves nothing"


def test_a_gate_that_has_the_same_wrong_time_is_no_witness() -> None:
    then = NOW + 400 * DAY + timedelta(seconds=STEADY_S)
    assert why(after(400 * DAY, STEADY_S, Witness(then, 3600.0))) is ClockDoubt.AHEAD
    right = Witness(NOW + timedelta(seconds=STEADY_S), 3600.0)
    old = Witness(then, (500 * DAY).total_seconds())
    assert why(after(400 * DAY, STEADY_S, old, right)) is ClockDoubt.AHEAD, "they do not agree"


def test_an_administrators_word_ends_it_and_one_from_before_does_not() -> None:
    assert why(after(5 * DAY, 30.0, confirmed_at=NOW + 5 * DAY + timedelta(seconds=20))) is None
    assert why(after(5 * DAY, 30.0, confirmed_at=NOW - DAY)) is ClockDoubt.AHEAD


def test_a_clock_that_jumps_on_begins_to_be_steady_anew() -> None:
    clock = running().advance(NOW + 3 * DAY, 1.0).advance(NOW + 30 * DAY, 300.0)
    now = NOW + 30 * DAY + timedelta(seconds=STEADY_S - 10)
    gate = Witness(now, (60 * DAY).total_seconds())
    assert why(clock.advance(now, 300.0 + STEADY_S - 10, witnesses=[gate])) is ClockDoubt.AHEAD
