import cv2
import numpy as np
import pytest

from edge.camera import Condition, ConditionLimits, ConditionWatch, look


def scene(seed: int = 0, *, blur: float = 0.0, light: float = 1.0) -> np.ndarray:
    """A wall with a window and edges, seen by a sensor with noise."""
    image = np.full((240, 320, 3), 90, np.uint8)
    for index in range(12):
        cv2.rectangle(image, (20 * index, 30), (20 * index + 11, 200), (30 + 15 * index,) * 3, -1)
    cv2.circle(image, (200, 120), 45, (200, 160, 120), -1)
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    noise = np.random.default_rng(seed).normal(0, 2, image.shape)
    return np.clip(image * light + noise, 0, 255).astype(np.uint8)


def watch_for(seconds: float, watch: ConditionWatch, make, start: float = 0.0) -> Condition:
    condition = Condition.GOOD
    for step in range(int(seconds / 0.5) + 1):
        condition = watch.observe(look(make(step)), start + step * 0.5)
    return condition


def test_a_working_camera_is_good() -> None:
    assert watch_for(60, ConditionWatch(), scene) is Condition.GOOD


@pytest.mark.parametrize(
    ("what", "make"),
    [
        (Condition.COVERED, lambda step: np.full((240, 320, 3), 3 + step % 2, np.uint8)),
        (Condition.COVERED, lambda step: scene(step, light=0.0)),
        (Condition.COVERED, lambda step: np.full((240, 320, 3), 180 + step % 2, np.uint8)),
        (Condition.FROZEN, lambda _: scene(1)),
        (Condition.OUT_OF_FOCUS, lambda step: scene(step, blur=6)),
    ],
)
def test_a_bad_view_is_noticed_after_its_time_and_forgotten_when_it_ends(what, make) -> None:
    watch = ConditionWatch()
    assert watch_for(10, watch, scene) is Condition.GOOD
    assert watch_for(0.5, watch, make, 11) is Condition.GOOD
    assert watch_for(12, watch, make, 12) is what
    assert watch_for(1, watch, lambda step: scene(step + 100), 30) is Condition.GOOD


def test_dusk_is_not_a_loss_of_focus() -> None:
    watch = ConditionWatch()
    watch_for(5, watch, scene)
    assert watch_for(20, watch, lambda step: scene(step, light=0.4), 6) is Condition.GOOD


def test_a_slow_camera_is_not_frozen_between_its_frames() -> None:
    watch = ConditionWatch(ConditionLimits(frozen_after=5))
    assert watch_for(30, watch, lambda step: scene(step // 4)) is Condition.GOOD
