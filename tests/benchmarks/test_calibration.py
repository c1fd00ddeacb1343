"""Points of a calibration from scores of strangers, on made vectors."""

import numpy as np
import pytest

from benchmarks.calibration import histogram, points


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_only_pairs_of_different_people_count() -> None:
    random = np.random.default_rng(2)
    probes = {f"p{number}": unit(random.normal(size=(3, 8))) for number in range(5)}
    templates = {name: rows[:2] for name, rows in probes.items() if name != "p4"}
    counts = histogram(templates, probes)
    assert counts.sum() == 4 * 2 * 4 * 3
    everyone = {"one": np.concatenate(list(probes.values()))}
    assert histogram(everyone, everyone).sum() == 0


def test_the_points_are_the_scores_that_so_many_pairs_exceed() -> None:
    random = np.random.default_rng(2)
    people = {f"p{number}": unit(random.normal(size=(2, 24))) for number in range(400)}
    scores = np.concatenate(
        [(rows @ other.T).ravel() for name, rows in people.items() for mate, other in people.items() if mate != name]
    )
    measured = dict(points(histogram(people, people)))
    assert list(measured) == [-2.0, -2.5, -3.0, -3.5]  # of the 638,400 pairs 64 would be beyond 1 in 10,000
    for rate, score in measured.items():
        assert np.mean(scores > score) == pytest.approx(10**rate, rel=0.05)


def test_too_few_pairs_give_no_point() -> None:
    people = {f"p{number}": unit(np.random.default_rng(number).normal(size=(1, 8))) for number in range(9)}
    assert points(histogram(people, people)) == []
