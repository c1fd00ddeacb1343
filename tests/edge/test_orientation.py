"""A camera that hangs on its head or its side is noticed by the people before it, who are not called false faces."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from edge.camera import Condition, Frame, Mounting
from edge.liveness import Liveness
from edge.orientation import OrientationWatch, turn_of
from edge.recognition import Sighting
from enrollment.photo import decode
from models.engine import FaceEngine


@pytest.fixture(scope="module")
def people(request: pytest.FixtureRequest) -> list[np.ndarray]:
    """Pictures of four people as a gate's camera takes them; without research data, photographs."""
    if data := os.environ.get("CAMPUSGATE_DATA"):
        taken = sorted((Path(data) / "nuaa" / "live").glob("*.jpg"))
        of_each = {path.name[:4]: path for path in taken}
        return [decode(path).image for path in itertools.islice(of_each.values(), 4)]
    photographs = request.getfixturevalue("photographs")
    return [decode(photographs[name]).image for name in ("wang", "li", "stranger", "wang-again")]


def show(watch: OrientationWatch, engine: FaceEngine, image: np.ndarray, number: int, apart: float = 11.0) -> Sighting:
    """Let somebody stand there whom liveness takes for a picture."""
    faces = engine.detect(image)
    sighting = Sighting(frozenset({number}), number, faces[0] if faces else None, liveness=Liveness.SPOOF)
    return watch.correct(sighting, Frame(image, number * apart, number))


def turned(image: np.ndarray, rotation: int) -> np.ndarray:
    """Return the picture of a camera whose `rotation` nobody set."""
    return np.ascontiguousarray(np.rot90(image, rotation // 90))


@pytest.mark.parametrize(
    ("rotation", "condition"), [(90, Condition.SIDEWAYS), (180, Condition.UPSIDE_DOWN), (270, Condition.SIDEWAYS)]
)
def test_a_turned_camera_is_noticed_and_calls_nobody_a_spoof(engine, people, rotation, condition) -> None:
    watch = OrientationWatch(engine)
    said = [show(watch, engine, turned(image, rotation), number) for number, image in enumerate(people)]
    assert (watch.condition, watch.rotation) == (condition, rotation)
    assert {sighting.liveness for sighting in said} == {Liveness.OPEN}


def test_an_upright_camera_is_well_and_false_faces_before_it_are_told(engine, people) -> None:
    watch = OrientationWatch(engine)
    said = [show(watch, engine, image, number) for number, image in enumerate(people)]
    assert watch.condition is Condition.GOOD
    assert {sighting.liveness for sighting in said} == {Liveness.SPOOF}


def test_one_person_is_not_enough_and_one_who_stands_upright_ends_it(engine, people) -> None:
    watch = OrientationWatch(engine)
    for number, image in enumerate(people[:3]):
        show(watch, engine, turned(image, 180), number, apart=3.0)
    assert watch.condition is Condition.GOOD
    for number, image in enumerate(people[:3], start=10):
        show(watch, engine, turned(image, 180), number)
    assert watch.condition is Condition.UPSIDE_DOWN
    assert show(watch, engine, people[3], 20).liveness is Liveness.SPOOF
    assert watch.condition is Condition.GOOD


@pytest.mark.parametrize(
    ("mounting", "rotation"), [(Mounting(180), 0), (Mounting(90), 270), (Mounting(90, mirrored=True), 270)]
)
def test_the_rotation_to_set_counts_from_the_one_that_is_set(engine, people, mounting, rotation) -> None:
    watch = OrientationWatch(engine, mounting)
    for number, image in enumerate(people[:3]):
        show(watch, engine, turned(image, 180), number)
    assert watch.rotation == rotation


def test_nobody_in_view_costs_no_detection(people) -> None:
    class Blind:
        def detect(self, image: np.ndarray) -> list:
            raise AssertionError(f"nobody is there in {image.shape}")

    frame = Frame(people[0], 0.0, 0)
    OrientationWatch(Blind()).observe(Sighting(frozenset()), frame)  # type: ignore[arg-type] # it only ever detects


def test_pictures_of_people_say_how_they_are_turned(engine, people) -> None:
    for rotation in (0, 90, 180, 270):
        said = [turn_of(engine, turned(image, rotation), None) for image in people]
        assert said == [rotation] * len(people)
