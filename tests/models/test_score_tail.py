"""The tail of strangers' scores, on people whose true tail is known."""

import itertools

import numpy as np
import pytest

from models.score_tail import LEAST_PEOPLE, TooFewPeopleError, tail_of

DIMENSION = 64


def people(count: int, seed: int, templates: int = 1) -> list[np.ndarray]:
    vectors = np.random.default_rng(seed).standard_normal((count, templates, DIMENSION)).astype(np.float32)
    return list(vectors / np.linalg.norm(vectors, axis=2, keepdims=True))


@pytest.fixture(scope="module")
def true_threshold() -> float:
    """The score that random directions exceed at 10^-5, from four million pairs."""
    one, other = (np.concatenate(people(2000, seed)) for seed in (100, 101))
    return float(np.quantile(one @ other.T, 1 - 1e-5))


@pytest.mark.parametrize("count", [60, 300])
def test_the_interval_holds_the_true_threshold_about_as_often_as_it_says(count: int, true_threshold: float) -> None:
    estimates = [tail_of(people(count, seed), seed=seed).at(1e-5) for seed in range(12)]
    held = sum(one.low <= true_threshold <= one.high for one in estimates)
    assert held >= 9
    assert not any(one.measured for one in estimates)
    assert all(one.low <= one.threshold <= one.high for one in estimates)


def test_more_people_say_it_more_surely() -> None:
    few, many = (tail_of(people(count, 1)).at(1e-4) for count in (60, 600))
    assert many.high - many.low < (few.high - few.low) / 2
    assert many.measured
    assert not few.measured


def test_a_rarer_rate_is_a_stricter_threshold() -> None:
    tail = tail_of(people(100, 2))
    thresholds = [tail.at(rate).threshold for rate in (1e-3, 1e-4, 1e-5, 1e-6)]
    assert all(one <= other for one, other in itertools.pairwise(thresholds))
    assert thresholds[0] < thresholds[-1] <= 1


def test_the_measured_rates_are_those_of_the_sample() -> None:
    sample = people(400, 3)
    tail = tail_of(sample)
    vectors = np.concatenate(sample)
    scores = (vectors @ vectors.T)[~np.eye(len(vectors), dtype=bool)]
    assert (tail.people, tail.pairs, tail.histogram.sum()) == (400, 400 * 399, 400 * 399)
    assert float((scores > tail.at(1e-3).threshold).mean()) == pytest.approx(1e-3, rel=0.25)


def test_of_very_many_people_only_some_are_compared_with_everybody() -> None:
    tail = tail_of(people(500, 4), most_pairs=50_000)
    assert tail.pairs == 100 * 499
    assert tail.at(1e-4).threshold == pytest.approx(tail_of(people(500, 4)).at(1e-4).threshold, abs=0.06)


def test_a_person_is_compared_by_their_best_template() -> None:
    several, one = (tail_of(people(300, 5, templates=count)).at(1e-3).threshold for count in (4, 1))
    assert several > one


def test_twins_weigh_on_the_upper_end() -> None:
    sample = people(60, 6)
    twins = [*sample[:-1], sample[0]]
    assert tail_of(twins).at(1e-5).high > tail_of(sample).at(1e-5).high


def test_too_few_people_and_rates_that_are_none_are_refused() -> None:
    with pytest.raises(TooFewPeopleError, match="too few"):
        tail_of(people(LEAST_PEOPLE - 1, 7))
    for rate in (0.0, 0.5):
        with pytest.raises(ValueError, match="rates below"):
            tail_of(people(50, 8)).at(rate)
