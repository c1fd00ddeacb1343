"""Shift, turn and scale: estimated, undone, and applied to pixels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import similarity_transform

angles = st.floats(-math.pi, math.pi)
scales = st.floats(0.05, 20)
offsets = st.floats(-500, 500)
POINTS = np.array([[10, 20], [90, 25], [48, 70], [30, 110], [75, 108]], float)


def similarity(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


@given(angles, scales, offsets, offsets)
def test_the_transform_that_moved_the_points_is_found(angle: float, scale: float, x: float, y: float) -> None:
    made = similarity(angle, scale, x, y)
    found = similarity_transform.estimate(POINTS, similarity_transform.apply(made, POINTS))
    np.testing.assert_allclose(found, made, atol=1e-6)


@given(angles, scales, offsets, offsets)
def test_a_transform_and_its_inverse_lead_back(angle: float, scale: float, x: float, y: float) -> None:
    made = similarity(angle, scale, x, y)
    there = similarity_transform.apply(made, POINTS)
    np.testing.assert_allclose(similarity_transform.apply(similarity_transform.invert(made), there), POINTS, atol=1e-6)
    assert similarity_transform.scale_of(made) == pytest.approx(scale)


@given(st.lists(st.tuples(offsets, offsets), min_size=5, max_size=5))
def test_no_other_similarity_fits_noisy_points_better(noise: list[tuple[float, float]]) -> None:
    target = POINTS + np.array(noise)
    found = similarity_transform.estimate(POINTS, target)

    def error(transform: np.ndarray) -> float:
        return float(((similarity_transform.apply(transform, POINTS) - target) ** 2).sum())

    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b, x, y = rng.normal(scale=0.01, size=4)
        other = found + np.array([[a, -b, x * 100], [b, a, y * 100]])
        assert error(other) >= error(found) - 1e-6


def test_points_in_one_place_have_no_scale() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity_transform.estimate(np.ones((5, 2)), POINTS)


def test_a_crop_holds_the_square_it_was_asked_for() -> None:
    """The corners of a turned square land on the corners of the crop."""
    centre, side, angle = (60.0, 45.0), 30.0, 0.4
    transform = similarity_transform.square_crop(centre, side, angle, 192)
    half = side / 2
    across = np.array([math.cos(angle), math.sin(angle)])
    down = np.array([-math.sin(angle), math.cos(angle)])
    corners = np.array([centre - half * across - half * down, centre + half * across + half * down])
    np.testing.assert_allclose(
        similarity_transform.apply(transform, corners), [[-0.5, -0.5], [191.5, 191.5]], atol=1e-9
    )


@pytest.mark.parametrize("factor", [1, 2, 3, 5, 8])
def test_a_large_face_is_averaged_down_in_place(factor: int) -> None:
    """A smooth picture, `factor` times as large, gives the same crop: no shift, no pattern."""
    y, x = np.mgrid[0:120, 0:120]
    small = np.dstack([x, y, (x + y) // 2]).astype(np.uint8)
    large = np.repeat(np.repeat(small, factor, axis=0), factor, axis=1)
    transform = similarity_transform.square_crop((60, 55), 70, 0.2, 64)
    # A pixel of `small` has its centre at factor·i + (factor - 1)/2 of `large`.
    offset = (factor - 1) / 2
    enlarged = np.column_stack(
        [transform[:, :2] / factor, transform[:, 2] - transform[:, :2] @ np.full(2, offset / factor)]
    )
    ours = similarity_transform.crop(small, transform, 64).astype(int)
    theirs = similarity_transform.crop(large, enlarged, 64).astype(int)
    assert np.abs(ours - theirs)[4:-4, 4:-4].max() <= 2


def test_fine_stripes_of_a_large_face_become_grey() -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[::2] = 255
    crop = similarity_transform.crop(stripes, similarity_transform.square_crop((400, 400), 700, 0, 100), 100)
    assert crop.std() < 20


def test_a_crop_beside_the_picture_is_black() -> None:
    picture = np.full((50, 50, 3), 200, np.uint8)
    for side in (10.0, 2000.0):
        crop = similarity_transform.crop(picture, similarity_transform.square_crop((9000, 9000), side, 0, 112), 112)
        assert crop.shape == (112, 112, 3)
        assert not crop.any()
