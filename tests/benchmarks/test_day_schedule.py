"""The plan of a played day follows from its seed, and strikes everything."""

from collections import Counter

import pytest

from benchmarks.day_schedule import (
    BEGINS_H,
    ENDS_H,
    PAYMENTS,
    PEAK_PAYMENTS_PER_S,
    Curve,
    PlayedDay,
    Target,
    Way,
    plan_strikes,
)

EVERYTHING = {(target, way) for target in Target for way in Way}


def test_a_seed_is_a_fate() -> None:
    assert plan_strikes(3, 600, 15) == plan_strikes(3, 600, 15)
    assert plan_strikes(3, 600, 15) != plan_strikes(4, 600, 15)


@pytest.mark.parametrize(("seconds", "every_s"), [(60, 30), (150, 13), (1200, 30)])
def test_everything_is_killed_and_hung_within_the_day(seconds: float, every_s: float) -> None:
    strikes = plan_strikes(1, seconds, every_s)
    assert {(strike.target, strike.way) for strike in strikes} == EVERYTHING
    times = [strike.at_s for strike in strikes]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < seconds


def test_nothing_comes_again_in_one_way_before_all_others_have_come() -> None:
    strikes = plan_strikes(5, 1200, 30)
    for first in range(0, len(strikes) - len(EVERYTHING), len(EVERYTHING)):
        turn = Counter((one.target, one.way) for one in strikes[first : first + len(EVERYTHING)])
        assert set(turn.values()) == {1}


def test_what_hangs_does_so_for_shorter_and_for_longer_than_a_command_lives() -> None:
    lasting = [one.lasts_s for one in plan_strikes(5, 1200, 30) if one.way is Way.HUNG]
    assert min(lasting) < 10 < max(lasting)


def test_hours_pass_as_many_times_as_fast_as_is_told() -> None:
    day = PlayedDay(seconds=150, share=0.2)
    assert day.factor == 432
    assert (day.hour_at(0), day.hour_at(150)) == (BEGINS_H, ENDS_H)
    assert day.hour_at(day.elapsed_at(12.5)) == pytest.approx(12.5)


def test_rates_are_the_share_of_those_of_a_whole_campus() -> None:
    day = PlayedDay(seconds=180, share=0.25)
    assert day.payments_per_s(day.elapsed_at(12)) == pytest.approx(PEAK_PAYMENTS_PER_S * 0.25)
    assert day.payments_per_s(day.elapsed_at(12)) > 2 * day.payments_per_s(day.elapsed_at(9))
    assert day.photos_per_s(day.elapsed_at(7)) == 0
    assert day.passages_per_s(day.elapsed_at(7.7)) > day.passages_per_s(day.elapsed_at(10))


def test_a_curve_is_straight_between_its_points_and_level_outside() -> None:
    curve = Curve(((8, 0.0), (10, 1.0), (11, 0.5)))
    assert [curve.at(hour) for hour in (7, 8, 9, 10, 10.5, 11, 12)] == [0, 0, 0.5, 1, 0.75, 0.5, 0.5]
    assert min(PAYMENTS.at(hour / 4) for hour in range(24, 97)) >= 0
