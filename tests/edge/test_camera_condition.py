import itertools
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest

from campusgate.demo.scenes import Walk, Walker, corridor, walk_up
from edge.camera import Condition, ConditionLimits, ConditionWatch, FileCamera, SceneLimits, View, measure_view
from enrollment.photo import decode

NOISE = np.random.default_rng(0).standard_normal((300, 402, 3), np.float32)
"""A frame's noise is a part of it: to draw it anew for each frame takes longer than to look at the frame."""


def scene(seed: int = 0, *, blur: float = 0.0, light: float = 1.0) -> np.ndarray:
    """A wall with a window and edges, seen by a sensor with noise."""
    image = np.full((240, 320, 3), 90, np.uint8)
    for index in range(12):
        cv2.rectangle(image, (20 * index, 30), (20 * index + 11, 200), (30 + 15 * index,) * 3, -1)
    cv2.circle(image, (200, 120), 45, (200, 160, 120), -1)
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    return lit(image, np.float32(light), seed)


def lit(image: np.ndarray, light: np.ndarray | np.float32, seed: int, grain: float = 2) -> np.ndarray:
    """The picture in another light, with the noise of a sensor."""
    down, right = 7 * seed % 61, 13 * seed % 83
    noise = NOISE[down : down + image.shape[0], right : right + image.shape[1]]
    return np.asarray(cv2.scaleAdd(noise, grain, image * light).clip(0, 255), np.uint8)


STILL = scene(1)


def watch_for(seconds: float, watch: ConditionWatch, make, start: float = 0.0) -> Condition:
    condition = Condition.GOOD
    for step in range(int(seconds / 0.5) + 1):
        condition = watch.observe(view(make, step), start + step * 0.5)
    return condition


@lru_cache(1_000)
def view(make: Callable[[int], np.ndarray], step: int) -> View:
    """What the camera sees at a step: most tests begin with the same minute."""
    return measure_view(make(step))


def test_a_working_camera_is_good() -> None:
    assert watch_for(60, ConditionWatch(), scene) is Condition.GOOD


@pytest.mark.parametrize(
    ("what", "make"),
    [
        (Condition.COVERED, lambda step: np.full((240, 320, 3), 3 + step % 2, np.uint8)),
        (Condition.COVERED, lambda step: scene(step, light=0.0)),
        (Condition.COVERED, lambda step: np.full((240, 320, 3), 180 + step % 2, np.uint8)),
        (Condition.OUT_OF_FOCUS, lambda step: scene(step, blur=6)),
    ],
)
def test_a_bad_view_is_noticed_after_its_time_and_forgotten_when_it_ends(what, make) -> None:
    watch = ConditionWatch()
    assert watch_for(10, watch, scene) is Condition.GOOD
    assert watch_for(0.5, watch, make, 11) is Condition.GOOD
    assert watch_for(12, watch, make, 12) is what
    assert watch_for(1, watch, lambda step: scene(step + 100), 30) is Condition.GOOD


def test_a_picture_that_was_all_noise_and_stands_still_is_frozen() -> None:
    watch = ConditionWatch()
    assert watch_for(65, watch, scene) is Condition.GOOD
    assert watch_for(14, watch, lambda _: STILL, 65.5) is Condition.GOOD
    assert watch_for(5, watch, lambda _: STILL, 80) is Condition.FROZEN
    assert watch_for(1, watch, lambda step: scene(step + 100), 86) is Condition.GOOD


def compressed(step: int) -> np.ndarray:
    """A stream that repeats what does not move: for a minute something does, then nothing."""
    image = STILL.copy()
    at = 2 * min(step, 120)
    cv2.rectangle(image, (at, 100), (at + 40, 239), (60, 70, 80), -1)
    return image


@pytest.mark.parametrize("make", [lambda _: STILL, compressed])
def test_a_still_scene_is_not_frozen(make) -> None:
    watch = ConditionWatch()
    # After a minute nothing moves any more.
    seen = {watch.observe(view(make, min(step, 120)), step * 0.5) for step in range(400)}
    assert seen == {Condition.GOOD}


def test_a_black_picture_without_noise_is_covered_and_not_frozen() -> None:
    watch = ConditionWatch()
    watch_for(65, watch, scene)
    assert watch_for(30, watch, lambda _: np.zeros((240, 320, 3), np.uint8), 66) is Condition.COVERED


def test_dusk_is_not_a_loss_of_focus() -> None:
    watch = ConditionWatch()
    watch_for(5, watch, scene)
    assert watch_for(20, watch, lambda step: scene(step, light=0.4), 6) is Condition.GOOD


def test_a_slow_camera_is_not_frozen_between_its_frames() -> None:
    watch = ConditionWatch(ConditionLimits(frozen_after=5))
    assert watch_for(30, watch, lambda step: scene(step // 4)) is Condition.GOOD


def moved(step: int) -> np.ndarray:
    return np.asarray(np.roll(scene(step), (12, 37), (0, 1)), np.uint8)


def test_a_camera_that_was_turned_or_replaced_is_noticed_and_forgotten_when_it_looks_back() -> None:
    watch = ConditionWatch()
    assert watch_for(60, watch, scene) is Condition.GOOD
    assert watch_for(19, watch, moved, 61) is Condition.GOOD
    assert watch_for(5, watch, moved, 80) is Condition.MOVED_OR_REPLACED
    assert watch_for(1, watch, scene, 90) is Condition.GOOD


def test_another_view_is_taken_for_the_camera_s_own_when_it_lasts() -> None:
    watch = ConditionWatch(ConditionLimits(scene=SceneLimits(accepted_after=60)))
    watch_for(60, watch, scene)
    assert watch_for(55, watch, moved, 61) is Condition.MOVED_OR_REPLACED
    assert watch_for(30, watch, moved, 116) is Condition.GOOD
    assert watch_for(30, watch, scene, 150) is Condition.MOVED_OR_REPLACED


def lamp(step: int) -> np.ndarray:
    """Light that is switched off and on, and sun that wanders over the wall."""
    across = np.linspace(0.5 + step / 400, 1.2, 320, dtype=np.float32)[None, :, None]
    gain = np.float32((0.35, 1.0, 1.5)[step // 60 % 3]) * across
    return np.clip(scene(step) * gain, 0, 255).astype(np.uint8)


def crowd(step: int) -> np.ndarray:
    """Somebody stands in the left half of the view, for minutes."""
    image = scene(step)
    cv2.rectangle(image, (0, 40), (150, 240), (70, 90, 120), -1)
    return image


@pytest.mark.parametrize("make", [lamp, crowd])
def test_light_and_people_do_not_make_another_camera(make) -> None:
    watch = ConditionWatch()
    watch_for(60, watch, scene)
    seen = {watch.observe(measure_view(make(step)), 61 + step * 0.5) for step in range(360)}
    assert seen == {Condition.GOOD}


def test_a_bare_wall_says_nothing_about_the_camera() -> None:
    def wall(level: int):
        return lambda step: lit(np.full((240, 320, 3), level, np.uint8), np.float32(1), step, grain=25)

    watch = ConditionWatch()
    watch_for(60, watch, wall(120))
    assert watch_for(60, watch, wall(170), 61) is Condition.GOOD


# As many frames of each part as a look at every tenth of 20 a second would show.
TWICE_A_SECOND = Walk(approach_s=Walk().approach_s / 10, wait_s=Walk().wait_s / 10, leave_s=Walk().leave_s / 10)


@pytest.fixture(scope="module")
def walks(photographs: dict[str, Path]) -> list[list[np.ndarray]]:
    """People who walk up, as they are looked at twice a second."""
    walks = []
    for name in ("wang-at-the-gate", "li"):
        photograph = decode(photographs[name]).image
        height, width = photograph.shape[:2]
        face = (0.4 * width, 0.2 * height, 0.2 * width, 0.2 * width)
        walks.append(list(walk_up(Walker(photograph, face), TWICE_A_SECOND)))
    return walks


@pytest.mark.parametrize("pause", [2, 16, 60])
def test_people_before_a_bare_wall_are_not_its_background(walks: list[list[np.ndarray]], pause: int) -> None:
    wall = itertools.cycle([corridor(seed) for seed in range(8)])
    watch, seen, looks = ConditionWatch(), set(), itertools.count()
    for walk in walks * 3:
        for image in (*walk, *itertools.islice(wall, pause)):
            seen.add(watch.observe(measure_view(image), 0.5 * next(looks)))
    assert seen == {Condition.GOOD}


def dusk(step: int) -> np.ndarray:
    """Hardly any light: no edge is to be seen."""
    rows = np.linspace(10, 50, 240, dtype=np.float32)[:, None, None] * np.ones((1, 320, 3), np.float32)
    return lit(rows, np.float32(1), step)


def test_a_camera_that_was_started_in_the_dark_learns_its_background_in_the_light() -> None:
    watch = ConditionWatch()
    watch_for(60, watch, dusk)
    watch_for(120, watch, scene, 61)
    assert watch_for(25, watch, moved, 182) is Condition.MOVED_OR_REPLACED


def test_only_what_is_seen_counts_towards_another_view_and_the_dark_does_not_end_it() -> None:
    watch = ConditionWatch()
    watch_for(60, watch, scene)
    watch_for(5, watch, moved, 61)
    watch_for(30, watch, lambda step: scene(step, light=0.0), 67)
    assert watch_for(10, watch, moved, 98) is Condition.GOOD
    assert watch_for(15, watch, moved, 108.5) is Condition.MOVED_OR_REPLACED
    assert watch_for(30, watch, dusk, 124) is Condition.MOVED_OR_REPLACED


@pytest.mark.parametrize("before", ["live", "replay"])
def test_a_recorded_view_that_is_switched_for_another_is_noticed(before: str) -> None:
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder with clips")

    def views(name: str):
        camera = FileCamera(Path(data) / "clips" / f"{name}.mp4", real_time=False)
        return [measure_view(frame.image) for frame in itertools.islice(camera.frames(Event()), 0, 360, 8)]

    watch = ConditionWatch(ConditionLimits(moved_after=8, frozen_after=999))
    usual = {watch.observe(view, 0.5 * number) for number, view in enumerate(views(before))}
    after = [watch.observe(view, 30 + 0.5 * number) for number, view in enumerate(views("several-people"))]
    assert usual == {Condition.GOOD}
    assert Condition.MOVED_OR_REPLACED in after
