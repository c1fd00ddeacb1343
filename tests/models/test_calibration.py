"""Thresholds for a wanted rate of false matches."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import CALIBRATIONS, Calibration, fmr_for_search, threshold

sizes = st.integers(1, 1_000_000)


@given(st.floats(1e-6, 0.5), sizes)
def test_searching_everyone_gives_the_wanted_rate(fpir: float, gallery_size: int) -> None:
    fmr = fmr_for_search(fpir, gallery_size)
    assert 1 - (1 - fmr) ** gallery_size == pytest.approx(fpir, rel=1e-3)


@pytest.mark.parametrize("model_id", sorted(CALIBRATIONS))
@given(sizes, sizes)
def test_a_longer_directory_is_never_searched_more_leniently(model_id: str, one: int, other: int) -> None:
    small, large = sorted((one, other))
    strict, lenient = (threshold(model_id, "identification", size) for size in (large, small))
    assert threshold(model_id, "verification") <= lenient <= strict <= 1
    assert threshold(model_id, "verification") < threshold(model_id, "agreement") < 1


@pytest.mark.parametrize("model_id", sorted(CALIBRATIONS))
def test_the_measured_points_are_met_and_ordered(model_id: str) -> None:
    calibration = CALIBRATIONS[model_id]
    assert list(calibration.points) == sorted(calibration.points, key=lambda point: (-point[0], point[1]))
    for rate, similarity in calibration.points:
        assert calibration.threshold(10**rate) == pytest.approx(similarity)


def test_between_and_beyond_the_points_it_goes_on_straight() -> None:
    calibration = Calibration(((-2, 0.4), (-3, 0.5), (-4, 0.55)))
    assert calibration.threshold(10**-2.5) == pytest.approx(0.45)
    assert calibration.threshold(1e-6) == pytest.approx(0.65)
    assert calibration.threshold(0.1) == pytest.approx(0.3)
    assert calibration.threshold(1e-99) == 1


def test_an_uncalibrated_model_has_no_threshold() -> None:
    with pytest.raises(ValueError, match="never calibrated"):
        threshold("facenet-1", "verification")


@pytest.mark.parametrize(("fpir", "size"), [(0, 1), (1, 1), (-0.1, 1), (0.01, 0), (math.nan, 5)])
def test_rates_and_sizes_that_mean_nothing_are_refused(fpir: float, size: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - two messages, by argument
        fmr_for_search(fpir, size)
