"""The whole way from pixels to a identification, with the real engine on photographs and recorded clips."""

import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from uuid import UUID

import numpy as np
import pytest

from campusgate.demo.scenes import Telephone, Walk, Walker, hold_up, walk_up
from edge.camera import FileCamera, SyntheticCamera
from edge.gallery import same_person_for, threshold_for
from edge.liveness import Cue, Liveness, LivenessPolicy
from edge.matcher import Matcher
from edge.recognition import Recogniser, RecognitionPolicy, Sighting
from edge.search import Search
from edge.selection import FaceLimits, Zone
from edge.spoof_cues import TrackCues
from edge.vote import IdentificationOutcome
from enrollment.photo import decode
from models.box import Box
from models.detector import Detection
from models.engine import FaceEngine
from models.face import Face
from models.liveness import LivenessModel

WANG, LI = UUID(int=1), UUID(int=2)
STEP = 0.05


@pytest.fixture(scope="session")
def pictures(photographs: dict[str, Path]) -> dict[str, np.ndarray]:
    return {name: decode(path).image for name, path in photographs.items()}


@pytest.fixture(scope="session")
def search(engine: FaceEngine, pictures: dict[str, np.ndarray]) -> Search:
    """Wang and Li among a thousand made-up people."""
    rows = [
        engine.embed(pictures[name], engine.detect(pictures[name])[:1], thorough=True)[0] for name in ("wang", "li")
    ]
    crowd = np.random.default_rng(3).standard_normal((1000, engine.dimension), dtype=np.float32)
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    people = [WANG, LI, *(UUID(int=1000 + number) for number in range(1000))]
    matcher = Matcher(people, np.vstack([*rows, crowd]))
    return Search.of_one_model(engine, matcher, threshold_for(engine.model_id, 0.01)(matcher.people))


def watch(engine: FaceEngine, search: Search, pictures: Iterable[np.ndarray]) -> list[Sighting]:
    recogniser = Recogniser(engine, same_person=same_person_for, cues=TrackCues)
    sightings = []
    for number, frame in enumerate(SyntheticCamera(pictures).frames(Event())):
        object.__setattr__(frame, "arrived", number * STEP)
        sightings.append(recogniser.recognise(frame, search))
    return sightings


def walker(engine: FaceEngine, picture: np.ndarray) -> Walker:
    box = engine.detect(picture)[0].box
    return Walker(picture, (box.left, box.top, box.width, box.height))


def walk(engine: FaceEngine, picture: np.ndarray) -> Iterable[np.ndarray]:
    return walk_up(walker(engine, picture), Walk(approach_s=0.8, wait_s=0.4, leave_s=0.1))


@pytest.mark.parametrize(("name", "person"), [("wang-at-the-gate", WANG), ("wang-again", WANG), ("li", LI)])
def test_an_enrolled_person_who_walks_up_is_named(engine, search, pictures, name, person) -> None:
    sightings = watch(engine, search, walk(engine, pictures[name]))
    named = {
        sighting.identification.person_id
        for sighting in sightings
        if sighting.identification and sighting.identification.person_id
    }
    assert named == {person}
    assert sightings[20].liveness is Liveness.LIVE
    assert {sighting.spoof_cue for sighting in sightings} == {None}
    assert len({sighting.track_id for sighting in sightings if sighting.track_id}) == 1


def test_a_telephone_that_shows_an_enrolled_person_is_told_by_its_edge_and_never_taken_for_them(
    engine, search, pictures
) -> None:
    held_up = hold_up(walker(engine, pictures["wang"]), Telephone(raise_s=0.6, hold_s=0.6))
    sightings = watch(engine, search, held_up)
    assert any(sighting.identification and sighting.identification.person_id == WANG for sighting in sightings)
    assert Liveness.LIVE not in {sighting.liveness for sighting in sightings}
    assert sightings[20].spoof_cue is Cue.BORDER


def test_the_network_agrees_that_the_telephone_is_no_living_face(engine, pictures, model_store) -> None:
    network = LivenessModel.load(model_store, threads=1)
    held_up = list(hold_up(walker(engine, pictures["wang"]), Telephone(raise_s=0.6, hold_s=0.6)))[12:24:3]
    scores = [network.score(frame, face) for frame in held_up for face in engine.detect(frame)[:1]]
    assert len(scores) == len(held_up)
    assert max(scores) < LivenessPolicy().least_score


def test_a_stranger_who_walks_up_is_nobody(engine, search, pictures) -> None:
    sightings = watch(engine, search, walk(engine, pictures["stranger"]))
    outcomes = [sighting.identification.outcome for sighting in sightings if sighting.identification]
    assert outcomes[-1] is IdentificationOutcome.UNKNOWN
    assert IdentificationOutcome.PERSON not in outcomes


def test_two_people_one_after_the_other_are_two_tracks_also_without_a_gap(engine, search, pictures) -> None:
    first = list(walk(engine, pictures["wang-at-the-gate"]))[:24]
    second = list(walk(engine, pictures["stranger"]))[16:24] * 4
    sightings = watch(engine, search, [*first, *second])
    assert sightings[23].identification.person_id == WANG
    assert sightings[-1].track_id != sightings[23].track_id
    assert sightings[-1].identification.outcome is not IdentificationOutcome.PERSON


@pytest.fixture
def clips() -> Path:
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data or not (Path(data) / "clips").is_dir():
        pytest.skip("CAMPUSGATE_DATA names no folder with clips")
    return Path(data) / "clips"


@pytest.mark.parametrize(("name", "most_tracks"), [("live", 1), ("several-people", 8)])
def test_strangers_in_recorded_clips_are_nobody_and_keep_their_tracks(engine, search, clips, name, most_tracks) -> None:
    camera = FileCamera(clips / f"{name}.mp4", real_time=False)
    pictures = [frame.image for frame in itertools.islice(camera.frames(Event()), 0, 60)]
    sightings = watch(engine, search, pictures)
    assert all(sighting.identification.person_id is None for sighting in sightings if sighting.identification)
    # In the scene one person walks across the picture close to the camera and hides the others for a while.
    assert 1 <= len(set().union(*(sighting.tracks for sighting in sightings))) <= most_tracks


def test_a_person_enrolled_from_the_first_frame_of_a_clip_is_named_in_the_rest(engine, clips) -> None:
    camera = FileCamera(clips / "live.mp4", real_time=False)
    pictures = [frame.image for frame in itertools.islice(camera.frames(Event()), 0, 60)]
    template = engine.embed(pictures[0], engine.detect(pictures[0])[:1], thorough=True)
    matcher = Matcher([WANG], template)
    search = Search.of_one_model(engine, matcher, threshold_for(engine.model_id, 0.01)(1000))
    sightings = watch(engine, search, pictures[20:])
    assert sightings[-1].identification.person_id == WANG


class Asked:
    """The engine, and the box of every face it was asked about."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self.model_id = engine.model_id
        self.boxes: list[Box] = []

    def find(self, image: np.ndarray) -> list[Detection]:
        return self._engine.find(image)

    def describe(self, image: np.ndarray, detections: Sequence[Detection]) -> list[Face]:
        assert len(detections) == 1
        return self._engine.describe(image, detections)

    def detect(self, image: np.ndarray) -> list[Face]:
        pytest.fail(f"only whoever is in front is described, not all of {image.shape}")

    def embed(self, image: np.ndarray, faces: Sequence[Face], *, thorough: bool = False) -> np.ndarray:
        self.boxes += [face.box for face in faces]
        return self._engine.embed(image, faces, thorough=thorough)


@pytest.mark.parametrize("zone", [Zone(), Zone(right=0.5)])
def test_of_several_people_in_a_clip_only_the_nearest_in_the_zone_is_asked(engine, search, clips, zone) -> None:
    asked = Asked(engine)
    [gallery] = search.galleries
    search = Search((replace(gallery, engine=asked),))
    recogniser = Recogniser(asked, RecognitionPolicy(zone=zone, limits=FaceLimits(least_eye_distance=18, most_yaw=60)))
    frames = list(itertools.islice(FileCamera(clips / "several-people.mp4", real_time=False).frames(Event()), 215, 275))
    several = 0
    for number, frame in enumerate(frames[::2]):
        before = len(asked.boxes)
        sighting = recogniser.recognise(replace(frame, arrived=number * STEP), search)
        height, width = frame.image.shape[:2]
        areas = [face.box.area for face in engine.detect(frame.image) if zone.holds(face.box, width, height)]
        several += len(areas) > 1
        if sighting.face is not None:
            assert zone.holds(sighting.face.box, width, height)
            # Whoever was in front stays so until somebody is clearly nearer.
            assert sighting.face.box.area >= max(areas) / 1.3 - 1e-6
        assert len(asked.boxes) <= before + 1
        assert all(box == sighting.face.box for box in asked.boxes[before:])
    assert asked.boxes
    assert several >= (10 if zone == Zone() else 0)
