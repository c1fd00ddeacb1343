"""Prints before the camera, told from people (NUAA: photographs of both by one camera)."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.box import Box
from models.engine import FaceEngine
from models.liveness import LivenessModel, surroundings
from models.store import ModelMissingError, ModelStore


@pytest.fixture(scope="module")
def liveness(model_store: ModelStore) -> LivenessModel:
    try:
        return LivenessModel(model_store, threads=1)
    except ModelMissingError as error:
        pytest.skip(str(error))


def scores(liveness: LivenessModel, engine: FaceEngine, kind: str) -> np.ndarray:
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder of research data")
    photos = sorted((Path(data) / "nuaa" / kind).rglob("*.jpg"))
    found = []
    for photo in photos[:: max(1, len(photos) // 40)]:
        image = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB)
        found += [liveness.score(image, face) for face in engine.detect(image)[:1]]
    assert len(found) > 30
    return np.array(found)


def test_people_pass_and_prints_do_not(liveness: LivenessModel, engine: FaceEngine) -> None:
    people, prints = scores(liveness, engine, "live"), scores(liveness, engine, "print")
    assert (people >= 0.5).mean() >= 0.95
    assert (prints >= 0.5).mean() <= 0.02


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


def test_what_is_no_image_is_refused(liveness: LivenessModel, engine: FaceEngine) -> None:
    with pytest.raises(ValueError, match="uint8"):
        liveness.score(np.zeros((4, 4, 3)), None)  # type: ignore[arg-type]
