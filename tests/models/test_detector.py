"""What is done to the detector's outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.box import Box
from models.detector import FULL_RANGE, SHORT_RANGE, letterbox, weighted_suppression

OVERLAP = 0.3


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    boxes = [
        Box(float(left), float(top), float(right - left), float(bottom - top))
        for left, top, right, bottom in (one, other)
    ]
    return boxes[0].overlap(boxes[1])


@st.composite
def candidates(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(1, 25))
    corners = draw(arrays.arrays(np.float32, (count, 2), elements=st.floats(0, 100, width=32)))
    sizes = draw(arrays.arrays(np.float32, (count, 2), elements=st.floats(1, 60, width=32)))
    scores = draw(arrays.arrays(np.float32, count, elements=st.floats(0.5, 1, width=32)))
    return np.hstack([corners, corners + sizes]).astype(np.float32), scores


@given(candidates())
def test_suppression_keeps_every_face_once(given_candidates: tuple[np.ndarray, np.ndarray]) -> None:
    shapes, scores = given_candidates
    merged = weighted_suppression(shapes, scores, OVERLAP)
    found = [score for _, score in merged]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(scores.max())
    assert 1 <= len(merged) <= len(shapes)
    # Averages stay among what was averaged.
    for shape, _ in merged:
        assert (shape >= shapes.min(axis=0) - 1e-3).all()
        assert (shape <= shapes.max(axis=0) + 1e-3).all()


@given(candidates())
def test_boxes_apart_from_all_others_stay_as_they_are(given_candidates: tuple[np.ndarray, np.ndarray]) -> None:
    shapes, scores = given_candidates
    merged = np.array([shape for shape, _ in weighted_suppression(shapes, scores, OVERLAP)])
    for index, shape in enumerate(shapes):
        others = np.delete(shapes, index, axis=0)
        if all(overlap(shape, other) == 0 for other in others):
            assert np.isclose(merged, shape, atol=1e-3).all(axis=1).any()


@given(candidates(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(
    given_candidates: tuple[np.ndarray, np.ndarray], random: object
) -> None:
    shapes, scores = given_candidates
    scores = scores - np.arange(len(scores), dtype=np.float32) * 1e-4
    if len(np.unique(scores)) < len(scores):
        return
    order = list(range(len(shapes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    one = weighted_suppression(shapes, scores, OVERLAP)
    other = weighted_suppression(shapes[order], scores[order], OVERLAP)
    np.testing.assert_allclose([shape for shape, _ in one], [shape for shape, _ in other], rtol=1e-4, atol=1e-3)


def test_the_mean_is_weighted_by_score() -> None:
    shapes = np.array([[0, 0, 10, 10], [2, 0, 12, 10]], np.float32)
    [(shape, score)] = weighted_suppression(shapes, np.array([0.9, 0.6], np.float32), OVERLAP)
    assert shape[0] == pytest.approx(2 * 0.6 / 1.5)
    assert score == pytest.approx(0.9)


def test_anchors_are_those_of_the_networks() -> None:
    short, full = SHORT_RANGE.anchors(), FULL_RANGE.anchors()
    assert short.shape == (896, 2)
    assert full.shape == (2304, 2)
    np.testing.assert_allclose(short[:3], [[0.5 / 16, 0.5 / 16]] * 2 + [[1.5 / 16, 0.5 / 16]])
    np.testing.assert_allclose(short[512:519], [[0.5 / 8, 0.5 / 8]] * 6 + [[1.5 / 8, 0.5 / 8]])
    np.testing.assert_allclose(full[49], [1.5 / 48, 1.5 / 48])


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_letterbox_keeps_the_shape_of_the_picture(height: int, width: int) -> None:
    tensor, scale, (left, top) = letterbox(np.full((height, width, 3), 255, np.uint8), 128)
    assert tensor.shape == (1, 3, 128, 128)
    assert tensor.dtype == np.float32
    inside = tensor[0, 0] == 1
    assert inside.any(axis=1).sum() == max(1, round(height * scale))
    assert inside.any(axis=0).sum() == max(1, round(width * scale))
    assert np.argmax(inside.any(axis=0)) == left
    assert np.argmax(inside.any(axis=1)) == top
    assert (tensor[0, 0][~inside] == -1).all()


@given(st.tuples(*[st.floats(0.1, 50)] * 4), st.tuples(*[st.floats(0.1, 50)] * 4))
def test_overlap_is_a_share_and_symmetric(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    a, b = Box(*one), Box(*other)
    assert 0 <= a.overlap(b) <= 1 + 1e-9
    assert a.overlap(b) == pytest.approx(b.overlap(a))
    assert a.overlap(a) == pytest.approx(1)
