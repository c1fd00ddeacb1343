"""What tells a picture held up from a person, on pictures that are made to be told."""

import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.liveness_sequences import turned
from enrollment.photo import decode
from models.box import Box
from models.engine import FaceEngine
from models.face import Face
from models.spoof_cues import border_of, flatness, moire_of, view_of

FACE = Box(270, 130, 100, 100)
MOST_BORDER, MOST_MOIRE, LEAST_FLATNESS = 0.55, 4.5, 0.4


def wall(seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 3, (480, 640, 1))
    return np.clip(np.full((480, 640, 3), 150.0) + noise, 0, 255).astype(np.uint8)


def with_frame(image: np.ndarray, *, lower: bool = True, turn: float = 0.0) -> np.ndarray:
    """Draw the edges of a print around the face, as far as they are asked for."""
    middle = np.array(FACE.centre)
    angle = np.radians(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (np.array([[-95, -140], [-95, 120], [95, 120], [95, -140]]) @ rotation.T + middle).astype(np.int32)
    sides = corners if lower else np.array([corners[0], [corners[1][0], 479], [corners[2][0], 479], corners[3]])
    return np.asarray(cv2.fillPoly(image.copy(), [sides], (225, 225, 220)), np.uint8)


@pytest.mark.parametrize("turn", [0, -12, 8])
def test_a_print_around_the_face_is_a_border_also_when_it_is_held_aslant(turn: float) -> None:
    assert border_of(with_frame(wall(), turn=turn), FACE) > MOST_BORDER


def test_a_door_behind_somebody_is_no_border_for_it_has_no_lower_edge() -> None:
    assert border_of(with_frame(wall(), lower=False), FACE) < 0.1
    assert border_of(wall(), FACE) == 0


def test_nothing_is_said_about_a_border_that_would_be_out_of_view() -> None:
    assert border_of(wall(), Box(270, 320, 100, 100)) is None


@pytest.mark.parametrize("size", [90, 200])
def test_the_pixels_of_a_screen_are_a_pattern_and_jpeg_s_blocks_are_none(size: int) -> None:
    y, x = np.mgrid[:480, :640]
    grid = 1 + 0.06 * (np.cos(2 * np.pi * (x + 0.15 * y) / 2.9) + np.cos(2 * np.pi * (y - 0.15 * x) / 2.9))
    box = Box(200, 100, size, size)
    assert moire_of(np.clip(wall() * grid[..., None], 0, 255).astype(np.uint8), box) > MOST_MOIRE
    saved = cv2.imdecode(cv2.imencode(".jpg", with_frame(wall()), [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)
    assert moire_of(np.asarray(saved, np.uint8), box) < MOST_MOIRE


def test_a_face_too_small_for_a_pattern_has_none() -> None:
    assert moire_of(wall(), Box(200, 100, 50, 50)) == 0


@pytest.fixture(scope="module")
def portrait(photographs: dict[str, Path], engine: FaceEngine) -> tuple[np.ndarray, Face]:
    image = decode(photographs["wang"]).image
    return image, engine.detect(image)[0]


def test_a_picture_that_turns_in_a_hand_is_flat(portrait: tuple[np.ndarray, Face], engine: FaceEngine) -> None:
    image, face = portrait
    views = [view_of(frame, engine.detect(frame)[0].landmarks) for frame in turned(image, face.box, seed=1)]
    found = [value for view in views[1:] if (value := flatness(views[0], view)) is not None]
    assert len(found) >= 3
    assert np.median(found) < LEAST_FLATNESS


def test_a_face_that_only_comes_nearer_says_nothing(portrait: tuple[np.ndarray, Face], engine: FaceEngine) -> None:
    image, _ = portrait
    nearer = np.asarray(cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA), np.uint8)
    views = [view_of(frame, engine.detect(frame)[0].landmarks) for frame in (image, nearer)]
    assert flatness(*views) is None
    assert flatness(view_of(wall(), engine.detect(image)[0].landmarks), views[0]) is None


def test_a_head_that_turns_is_not_flat(engine: FaceEngine) -> None:
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder with clips")
    capture = cv2.VideoCapture(str(Path(data) / "clips" / "live.mp4"))
    frames = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB) for _ in range(150)][::10]
    views = [view_of(frame, face.landmarks) for frame in frames for face in engine.detect(frame)[:1]]
    found = [value for one, other in itertools.pairwise(views) if (value := flatness(one, other)) is not None]
    assert len(found) >= 2
    assert min(found) > LEAST_FLATNESS
