"""The pose from the mesh: of made heads, and of real photographs mirrored and turned."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import FaceEngine
from models.pose import pose_of

UPRIGHT = np.zeros((468, 3))
for _right, _left, _height in (
    (33, 263, 0),
    (133, 362, 0),
    (61, 291, 55),
    (234, 454, 20),
    (127, 356, 5),
    (93, 323, 40),
):
    UPRIGHT[_right], UPRIGHT[_left] = (-40, _height, 10), (40, _height, 10)
UPRIGHT[50], UPRIGHT[280], UPRIGHT[70], UPRIGHT[300] = (-30, 30, 5), (30, 30, 5), (-35, -15, 5), (35, -15, 5)
UPRIGHT[10], UPRIGHT[152] = (0, -60, 8), (0, 90, 8)
NEUTRAL = pose_of(UPRIGHT.astype(np.float32))

degrees = st.floats(-40, 40)


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The head turned by yaw about its own axis first, then nodding, then leaning."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return (UPRIGHT @ (about_z @ about_y @ about_x).T + [320, 240, 0]).astype(np.float32)


@given(degrees, degrees, degrees)
def test_a_turned_head_tells_by_how_much(yaw: float, pitch: float, roll: float) -> None:
    pose = pose_of(turned(yaw, pitch, roll))
    assert pose.roll == pytest.approx(roll, abs=0.1)
    assert pose.yaw == pytest.approx(yaw, abs=0.1)
    assert pose.pitch - NEUTRAL.pitch == pytest.approx(pitch, abs=0.1)


def test_points_in_one_place_have_some_pose_and_no_error() -> None:
    pose = pose_of(np.zeros((468, 3), np.float32))
    assert np.isfinite([pose.yaw, pose.pitch, pose.roll]).all()


@pytest.mark.parametrize("name", ["wang", "wang-again", "stranger", "li"])
def test_a_mirrored_photograph_turns_the_other_way(
    engine: FaceEngine, pictures: dict[str, np.ndarray], name: str
) -> None:
    image = pictures[name]
    pose = engine.detect(image)[0].pose
    mirrored = engine.detect(np.ascontiguousarray(image[:, ::-1]))[0].pose
    assert mirrored.yaw == pytest.approx(-pose.yaw, abs=4)
    assert mirrored.roll == pytest.approx(-pose.roll, abs=3)
    assert mirrored.pitch == pytest.approx(pose.pitch, abs=4)


@pytest.mark.parametrize("angle", [-25, -10, 10, 25])
def test_the_roll_follows_a_turned_photograph(
    engine: FaceEngine, pictures: dict[str, np.ndarray], angle: float
) -> None:
    image = pictures["wang"]
    height, width = image.shape[:2]
    pose = engine.detect(image)[0].pose
    # OpenCV turns counter-clockwise for positive angles.
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1)
    leaning = engine.detect(cv2.warpAffine(image, matrix, (width, height)))[0].pose
    assert leaning.roll == pytest.approx(pose.roll + angle, abs=3)
    assert leaning.yaw == pytest.approx(pose.yaw, abs=5)
    assert leaning.pitch == pytest.approx(pose.pitch, abs=6)


def test_an_official_portrait_looks_at_the_camera(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> None:
    pose = engine.detect(pictures["wang"])[0].pose
    assert abs(pose.yaw) < 12
    assert abs(pose.pitch) < 12
    assert abs(pose.roll) < 8
