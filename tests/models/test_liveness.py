"""Prints before the camera, told from people (NUAA: frames of both by one camera)."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment.photo import decode
from models.box import Box
from models.engine import FaceEngine
from models.face import Face
from models.liveness import LivenessModel, surroundings
from models.store import ModelMissingError, ModelStore


@pytest.fixture(scope="module")
def default(model_store: ModelStore) -> LivenessModel:
    """The network that every installation has."""
    return LivenessModel.load(Without(model_store, "minifasnet-v2", "minifasnet-v1se"), threads=1)


class Without:
    """A store in which some models are not installed."""

    def __init__(self, store: ModelStore, *names: str) -> None:
        self._store = store
        self._names = names

    def path(self, name: str) -> Path:
        if name in self._names:
            raise ModelMissingError(f"the model {name} is not installed")
        return self._store.path(name)


@pytest.fixture(scope="module")
def presented(engine: FaceEngine) -> dict[str, list[tuple[np.ndarray, Face]]]:
    """Some of NUAA's frames, with the largest face of each."""
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder of research data")
    found = {}
    for kind in ("live", "print"):
        photos = sorted((Path(data) / "nuaa" / kind).rglob("*.jpg"))
        images = [decode(photo).image for photo in photos[:: max(1, len(photos) // 40)]]
        found[kind] = [(image, face) for image in images for face in engine.detect(image)[:1]]
        assert len(found[kind]) > 30
    return found


def scores(liveness: LivenessModel, presented: list[tuple[np.ndarray, Face]]) -> np.ndarray:
    return np.array([liveness.score(image, face) for image, face in presented])


def test_people_pass_and_prints_do_not(default: LivenessModel, presented) -> None:
    assert (scores(default, presented["live"]) >= 0.5).mean() >= 0.95
    assert (scores(default, presented["print"]) >= 0.5).mean() <= 0.02


def test_networks_that_are_installed_too_are_asked_for_a_second_opinion(
    model_store: ModelStore, default: LivenessModel, presented
) -> None:
    all_of_them = LivenessModel.load(model_store, threads=1)
    if len(all_of_them.names) == 1:
        pytest.skip("no second network is installed: CAMPUSGATE_MODEL_MIRROR names no folder with one")
    alone = LivenessModel.load(model_store, threads=1, second_opinions=False)
    assert (default.names, alone.names, all_of_them.names[0]) == (("fr-liveness",), ("fr-liveness",), "fr-liveness")
    image, face = presented["live"][0]
    said = all_of_them.scores(image, face)
    assert said["fr-liveness"] == pytest.approx(default.score(image, face))
    if len(said) == 3:
        # The other two learnt from the same pictures, and count as one.
        others = np.mean([said["minifasnet-v2"], said["minifasnet-v1se"]])
        assert all_of_them.score(image, face) == pytest.approx((said["fr-liveness"] + others) / 2)
    assert (scores(all_of_them, presented["live"]) >= 0.5).mean() >= 0.95
    assert (scores(all_of_them, presented["print"]) >= 0.5).mean() <= 0.02


def test_without_the_default_network_nothing_is_judged(model_store: ModelStore) -> None:
    with pytest.raises(ModelMissingError, match="fr-liveness"):
        LivenessModel.load(Without(model_store, "fr-liveness"))


def test_the_noise_of_a_sensor_in_dim_light_brings_no_print_to_life(default: LivenessModel, presented) -> None:
    noise = np.random.default_rng(1)
    noisy = [
        (np.clip(image * 0.5 + noise.normal(0, 3, image.shape), 0, 255).astype(np.uint8), face)
        for image, face in presented["print"]
    ]
    assert (scores(default, noisy) >= 0.5).mean() <= 0.02


def test_the_order_of_the_colours_matters(default: LivenessModel, presented) -> None:
    swapped = [(np.ascontiguousarray(image[..., ::-1]), face) for image, face in presented["live"]]
    assert scores(default, swapped).mean() < scores(default, presented["live"]).mean()


@given(
    st.tuples(st.floats(-50, 700), st.floats(-50, 500), st.floats(1, 900), st.floats(1, 900)),
    st.tuples(st.integers(1, 640), st.integers(1, 480)),
    st.sampled_from([2.7, 4.0]),
)
def test_the_surroundings_lie_inside_the_frame(
    box: tuple[float, float, float, float], size: tuple[int, int], boxes: float
) -> None:
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    part = surroundings(image, Box(*box), boxes)
    assert 1 <= part.shape[0] <= height
    assert 1 <= part.shape[1] <= width


def test_the_surroundings_are_the_face_and_what_is_around_it() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    part = surroundings(image, Box(300, 200, 40, 50), 2.7)
    assert part.shape[:2] == (pytest.approx(135, abs=1), pytest.approx(108, abs=1))
    # At the edge it is shifted, not shrunk.
    shifted = surroundings(image, Box(600, 430, 40, 50), 2.7)
    assert np.abs(np.subtract(shifted.shape, part.shape)).max() <= 1


def test_what_is_no_image_is_refused(default: LivenessModel) -> None:
    with pytest.raises(ValueError, match="uint8"):
        default.score(np.zeros((4, 4, 3)), None)  # type: ignore[arg-type]
