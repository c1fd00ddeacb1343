"""The rates that the accuracy benchmarks report."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measures import best_threshold, cross_validate, threshold_at

scores = st.lists(st.floats(-1, 1), min_size=1, max_size=200).map(np.array)


@given(scores, st.floats(0, 1))
def test_no_more_than_the_wanted_share_exceeds_the_threshold(impostors: np.ndarray, rate: float) -> None:
    threshold = threshold_at(impostors, rate)
    assert np.mean(impostors > threshold) <= rate + 1e-9
    if np.isfinite(threshold):
        # It is the least such: whoever has this very score would exceed a lower one.
        assert np.mean(impostors >= threshold) > rate - 1e-9


def test_one_in_a_thousand_of_two_thousand_is_two() -> None:
    impostors = np.arange(2000) / 2000
    assert np.count_nonzero(impostors > threshold_at(impostors, 1e-3)) == 2
    assert np.count_nonzero(impostors > threshold_at(impostors[:999], 1e-3)) == 2000 - 999


@given(scores, scores)
def test_no_other_threshold_makes_fewer_errors(genuine: np.ndarray, impostors: np.ndarray) -> None:
    def errors(threshold: float) -> int:
        return int(np.count_nonzero(genuine <= threshold) + np.count_nonzero(impostors > threshold))

    best = errors(best_threshold(genuine, impostors))
    assert all(best <= errors(other) for other in np.linspace(-1.1, 1.1, 45))


def test_separate_scores_are_told_apart_in_every_fold() -> None:
    rng = np.random.default_rng(3)
    folds = cross_validate(rng.uniform(0.6, 0.9, 100), rng.uniform(-0.2, 0.4, 120))
    assert folds.accuracies == (1.0,) * 10
    assert all(0.4 < threshold < 0.6 for threshold in folds.thresholds)


def test_a_fold_is_judged_at_the_threshold_of_the_others() -> None:
    """Its own best threshold would be 0.2; the others' is about 0.55."""
    genuine = np.concatenate([np.full(10, 0.3), np.full(90, 0.9)])
    impostors = np.concatenate([np.full(10, 0.1), np.full(90, 0.2 + 1e-6)])
    folds = cross_validate(genuine, impostors)
    assert folds.accuracies[0] == pytest.approx(0.5)
    assert folds.accuracies[1:] == (1.0,) * 9
