"""Which readings are believed, and which wait for a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.readings.judgement import Around, NewReading, find_doubt
from metering.readings.register import RegisterBackwardsError, advance, is_wrap
from metering.readings.values import Doubt, Reading, Register
from metering.vocabulary import ReadingQuality

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
REGISTER = Register(digits=8, decimals=2, ratio=1, max_w=10_000)
QUARTER = timedelta(minutes=15)


def reading(digits: int, ago: timedelta = timedelta(0), *, seen: timedelta | None = None) -> Reading:
    return Reading(NOW - ago, NOW - (ago if seen is None else seen), digits)


def new(digits: int, at: datetime = NOW) -> NewReading:
    return NewReading(at, digits, "A1")


def doubt(
    given_reading: NewReading,
    before: Reading | None = None,
    after: Reading | None = None,
    doubtful: Reading | None = None,
    register: Register = REGISTER,
) -> Doubt | None:
    return find_doubt(given_reading, Around(before, after, doubtful), register, "A1", NOW)


def test_the_first_reading_and_one_that_goes_on_are_believed() -> None:
    assert doubt(new(123)) is None
    assert doubt(new(223), reading(123, QUARTER)) is None


@pytest.mark.parametrize(
    ("step", "register", "believed"),
    [
        # 10 kW for a quarter of an hour and a minute are 2.666 kWh, and the last digit may have been nearly full.
        (267, REGISTER, True),
        (268, REGISTER, False),
        # Behind transformers of 100 one digit is 1 kWh.
        (3, replace(REGISTER, ratio=100), True),
        (4, replace(REGISTER, ratio=100), False),
        (2, replace(REGISTER, decimals=0), True),
        (4, replace(REGISTER, decimals=0), False),
    ],
)
def test_a_step_is_believed_up_to_what_the_connection_can_carry(step: int, register: Register, believed: bool) -> None:
    found = doubt(new(1_000 + step), reading(1_000, QUARTER), register=register)
    assert found == (None if believed else Doubt.IMPLAUSIBLE_STEP)


def test_a_long_silence_makes_a_large_step_plausible() -> None:
    assert doubt(new(50_000), reading(1_000, QUARTER)) is Doubt.IMPLAUSIBLE_STEP
    assert doubt(new(50_000), reading(1_000, timedelta(days=3))) is None


def test_a_step_counts_from_when_the_last_value_was_last_seen() -> None:
    before = reading(1_000, timedelta(days=3), seen=QUARTER)
    assert doubt(new(50_000), before) is Doubt.IMPLAUSIBLE_STEP


def test_backwards_by_one_digit_is_for_a_person() -> None:
    assert doubt(new(999), reading(1_000, QUARTER)) is Doubt.BACKWARDS


@pytest.mark.parametrize(
    ("old", "shown", "believed"),
    [
        (99_999_990, 20, True),
        # The step is right and the register was not in its last hundredth.
        (99_000_000, 20, False),
        # Into the first hundredth, but far more than can have passed.
        (99_999_990, 900_000, False),
        (99_999_990, 1_000_000, False),
        (50_000_000, 20, False),
    ],
)
def test_a_register_wraps_only_from_its_end_to_its_beginning_by_a_plausible_step(
    old: int, shown: int, believed: bool
) -> None:
    assert doubt(new(shown), reading(old, QUARTER)) == (None if believed else Doubt.BACKWARDS)


@pytest.mark.parametrize(
    ("old", "shown", "wraps"),
    [
        (99_000_001, 999_999, True),
        (99_000_000, 999_999, False),
        (99_000_001, 1_000_000, False),
    ],
)
def test_the_bounds_of_a_wrap_are_990000_and_10000_kwh(old: int, shown: int, wraps: bool) -> None:
    assert is_wrap(old, shown, REGISTER) == wraps


def test_the_future_and_the_far_past_are_for_a_person() -> None:
    assert doubt(new(1, NOW + timedelta(minutes=5))) is None
    assert doubt(new(1, NOW + timedelta(minutes=6))) is Doubt.IN_THE_FUTURE
    assert doubt(new(1, NOW - timedelta(days=61))) is Doubt.TOO_OLD


def test_another_serial_is_never_billed_to_this_meter() -> None:
    assert doubt(replace(new(223), serial="B2"), reading(123, QUARTER)) is Doubt.OTHER_SERIAL


def test_what_the_reader_itself_doubts_is_doubtful() -> None:
    assert doubt(replace(new(223), quality=ReadingQuality.DOUBTFUL)) is Doubt.SAID_DOUBTFUL


def test_more_digits_than_the_register_has_are_for_a_person() -> None:
    assert doubt(new(99_999_999)) is None
    assert doubt(new(100_000_000)) is Doubt.OUTSIDE_REGISTER


def test_a_late_reading_must_fit_what_came_after_it() -> None:
    earlier, later = reading(1_000, 2 * QUARTER), reading(1_100, timedelta(0))
    when = NOW - QUARTER
    assert doubt(new(1_050, when), earlier, later) is None
    assert doubt(new(1_101, when), earlier, later) is Doubt.BACKWARDS


def test_the_same_value_again_is_no_news_and_another_one_at_its_time_is_doubtful() -> None:
    before = reading(1_000, 2 * QUARTER, seen=timedelta(0))
    assert doubt(new(1_000, NOW - QUARTER), before) is None
    assert doubt(new(1_001, NOW - QUARTER), before) is Doubt.OTHER_VALUE


def test_a_doubtful_value_does_not_become_true_by_waiting() -> None:
    """A register that jumped by 5,000 kWh would be plausible three weeks later, by time alone."""
    good, jumped = reading(1_000, timedelta(days=30)), reading(501_000, timedelta(days=29), seen=QUARTER)
    assert doubt(new(501_010), good) is None
    assert doubt(new(501_010), good, doubtful=jumped) is Doubt.FOLLOWS_DOUBTFUL


def test_one_mad_value_does_not_bring_the_good_ones_after_it_into_doubt() -> None:
    good, mad = reading(1_000, 2 * QUARTER), reading(1_300, QUARTER)
    assert doubt(new(1_010), good, doubtful=mad) is None
    recovered = reading(1_010, QUARTER / 2)
    assert doubt(new(1_250), recovered, doubtful=mad) is Doubt.IMPLAUSIBLE_STEP
    assert doubt(new(1_305, NOW), replace(recovered, digits=1_200), doubtful=mad) is None


@given(st.integers(2, 12), st.data())
def test_a_register_goes_on_by_what_passed_over_its_end_too(digits: int, data: st.DataObject) -> None:
    register = Register(digits=digits, decimals=0)
    old = data.draw(st.integers(0, register.size - 1))
    step = data.draw(st.integers(0, register.size - 1))
    shown = (old + step) % register.size
    if shown >= old or is_wrap(old, shown, register):
        assert advance(old, shown, register) == step
    else:
        with pytest.raises(RegisterBackwardsError):
            advance(old, shown, register)
