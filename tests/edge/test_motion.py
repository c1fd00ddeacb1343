import numpy as np
import numpy.typing as npt
import pytest

from campusgate.demo.scenes import HEIGHT, WIDTH, corridor
from edge.camera import Frame
from edge.matcher import Matcher
from edge.motion import MotionLimits, MotionWatch
from edge.recognition import Recogniser
from edge.search import Search
from tests.edge.staging import MODEL, Directory, Stage, face, person, unit

Image = npt.NDArray[np.uint8]


def with_patch(image: Image, side: int, levels: int, at: tuple[int, int] = (200, 300)) -> Image:
    """A square that is lighter by some grey levels than what is behind it."""
    changed = image.astype(int)
    changed[at[0] : at[0] + side, at[1] : at[1] + side] += levels
    return np.clip(changed, 0, 255).astype(np.uint8)


def in_bands(image: Image, phase: float) -> Image:
    """The bands of a lamp on alternating current, as a rolling shutter shows them."""
    light = 1 + 0.12 * np.sin(2 * np.pi * (np.arange(HEIGHT) / 170 + phase))
    return np.clip(image * light[:, None, None], 0, 255).astype(np.uint8)


def at_rest(image: Image, *, limits: MotionLimits | None = None) -> MotionWatch:
    watch = MotionWatch(limits)
    assert not watch.is_still(image, 0.0)
    watch.remember_empty(0.0)
    return watch


def test_the_grain_of_a_sensor_is_no_movement() -> None:
    watch = at_rest(corridor(1))
    assert all(watch.is_still(corridor(seed), 0.5) for seed in range(2, 30))


def test_light_that_flickers_or_is_adjusted_to_is_no_movement() -> None:
    watch = at_rest(in_bands(corridor(1), 0.0))
    assert all(watch.is_still(in_bands(corridor(seed), 0.37 * seed), 0.5) for seed in range(2, 20))
    assert watch.is_still((corridor(20) * 0.8).astype(np.uint8), 0.5)


@pytest.mark.parametrize(("side", "levels"), [(16, 12), (24, 6), (48, 4), (150, 4)], ids=str)
@pytest.mark.parametrize("at", [(0, 0), (217, 309), (300, 480)], ids=str)
def test_a_face_hardly_lighter_than_the_wall_is_movement(side: int, levels: int, at: tuple[int, int]) -> None:
    watch = at_rest(corridor(1))
    assert not watch.is_still(with_patch(corridor(2), side, levels, at), 0.5)


def test_what_comes_slowly_is_compared_with_the_empty_picture_and_not_with_the_one_before() -> None:
    watch = at_rest(corridor(1))
    still = [watch.is_still(with_patch(corridor(2 + step), 40, step), 0.5) for step in range(10)]
    assert still[0]
    assert not still[-1]


def test_one_of_another_colour_and_the_same_lightness_is_movement() -> None:
    painted = corridor(2)
    painted[200:260, 300:360] = painted[200:260, 300:360] + np.array([12, 0, -24])
    assert not at_rest(corridor(1)).is_still(painted, 0.5)


def test_a_dark_picture_is_always_looked_at() -> None:
    dark = (corridor(1) * 0.15).astype(np.uint8)
    assert not at_rest(dark).is_still(dark, 0.5)


def test_the_detector_looks_now_and_then_although_nothing_moves() -> None:
    watch = at_rest(corridor(1), limits=MotionLimits(look_every_s=2.0))
    assert watch.is_still(corridor(2), 1.9)
    assert not watch.is_still(corridor(2), 2.0)


def test_a_picture_of_another_size_is_looked_at() -> None:
    assert not at_rest(corridor(1)).is_still(corridor(1)[:, : WIDTH // 2], 0.5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (79, 80), (1080, 1920), (81, 3)], ids=str)
def test_a_picture_of_any_size_can_be_watched(shape: tuple[int, int]) -> None:
    grey = np.full((*shape, 3), 120, np.uint8)
    assert at_rest(grey).is_still(grey, 0.5)


def test_nobody_is_looked_for_in_a_still_picture_and_whoever_comes_is_found_at_once() -> None:
    ann = person(0)
    stage = Stage()
    gallery = Directory(ann).galleries()[MODEL]
    search = Search.of_one_model(stage, Matcher(gallery.person_ids, gallery.matrix), 0.6)
    recogniser = Recogniser(stage)
    sightings = [recogniser.recognise(Frame(corridor(number), number / 20, number), search) for number in range(20)]
    assert stage.looks == 1
    assert all(not sighting.tracks for sighting in sightings)
    stage.show((face(), unit(0)))
    assert recogniser.recognise(Frame(with_patch(corridor(20), 120, 30), 0.99, 20), search).face is not None
    # While somebody is followed, every picture is looked at.
    recogniser.recognise(Frame(with_patch(corridor(20), 120, 30), 1.05, 21), search)
    assert stage.looks == 3
