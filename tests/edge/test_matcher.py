from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.matcher import Matcher

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def rows(*vectors) -> np.ndarray:
    matrix = np.array(vectors, np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_the_nearest_person_is_found_with_the_margin_to_the_next_person() -> None:
    matcher = Matcher([A, B], rows([1, 0], [0, 1]))
    (match,) = matcher.match(rows([0.8, 0.6]))
    assert match.person_id == A
    assert match.score == pytest.approx(0.8)
    assert match.margin == pytest.approx(0.2)


def test_a_person_s_second_template_is_no_rival() -> None:
    matcher = Matcher([A, B, A], rows([1, 0, 0], [0, 0, 1], [0.99, 0.1, 0]))
    (match,) = matcher.match(rows([1, 0.02, 0]))
    assert matcher.people == 2
    assert match.person_id == A
    assert match.runner_up < 0.1


def test_an_empty_gallery_knows_nobody() -> None:
    (match,) = Matcher([], np.zeros((0, 2), np.float32)).match(rows([1, 0]))
    assert match.person_id is None


def test_one_person_alone_has_no_rival() -> None:
    (match,) = Matcher([A], rows([1, 0])).match(rows([1, 0]))
    assert match.margin == pytest.approx(2)


def test_a_gallery_whose_ids_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 person ids"):
        Matcher([A, B], rows([1, 0]))


@given(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_it_agrees_with_the_search_written_out(people, seed) -> None:
    generator = np.random.default_rng(seed)
    matrix = rows(*generator.normal(size=(len(people), 8)))
    probes = rows(*generator.normal(size=(3, 8)))
    matches = Matcher(people, matrix).match(probes)
    for probe, match in zip(probes, matches, strict=True):
        best: dict[UUID, float] = {}
        for person, row in zip(people, matrix, strict=True):
            best[person] = max(best.get(person, -2.0), float(row @ probe))
        ranked = sorted(best.values(), reverse=True)
        assert match.score == pytest.approx(ranked[0], abs=1e-5)
        assert best[match.person_id] == pytest.approx(ranked[0], abs=1e-5)
        assert match.runner_up == pytest.approx(ranked[1] if len(ranked) > 1 else -1.0, abs=1e-5)
