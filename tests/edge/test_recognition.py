import numpy as np
import pytest

from edge.covering import Covering
from edge.liveness import Liveness, LivenessPolicy
from edge.matcher import Matcher
from edge.recognition import Recogniser, RecognitionPolicy
from edge.search import Search
from edge.selection import FaceLimits, Obstacle, Zone, nearest
from edge.tracker import TrackPolicy
from edge.vote import IdentificationOutcome, VotePolicy
from models.box import Box
from models.pose import Pose
from tests.edge.staging import MODEL, Directory, Stage, face, frame, person, unit

ANN, BEN = person(0), person(1)
SPLITTING = TrackPolicy(same_person=0.25)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def search(stage: Stage) -> Search:
    gallery = Directory(ANN, BEN).galleries()[MODEL]
    return Search.of_one_model(stage, Matcher(gallery.person_ids, gallery.matrix), 0.6)


def see(recogniser: Recogniser, search: Search | None, frames: int, start: float = 0.0, step: float = 0.05):
    return [recogniser.recognise(frame(number, start + number * step), search) for number in range(frames)]


def test_a_person_is_named_at_the_third_frame_and_embedded_no_more(stage: Stage, search: Search) -> None:
    stage.show((face(), unit(0)))
    sightings = see(Recogniser(stage), search, 10)
    assert [sighting.identification.outcome for sighting in sightings[:3]] == [
        IdentificationOutcome.OPEN,
        IdentificationOutcome.OPEN,
        IdentificationOutcome.PERSON,
    ]
    assert sightings[-1].identification.person_id == ANN.person_id
    assert stage.embedded == 3


def test_a_settled_face_is_looked_at_again_and_another_person_in_its_place_noticed(
    stage: Stage, search: Search
) -> None:
    stage.show((face(), unit(0)))
    recogniser = Recogniser(stage, RecognitionPolicy(recheck=1.0, track=SPLITTING))
    first = see(recogniser, search, 10)[-1]
    stage.show((face(), unit(1)))
    sightings = see(recogniser, search, 40, start=0.5)
    assert sightings[-1].track_id != first.track_id
    assert sightings[-1].identification.person_id == BEN.person_id


def test_votes_are_not_carried_over_to_another_person(stage: Stage, search: Search) -> None:
    recogniser = Recogniser(stage, RecognitionPolicy(track=SPLITTING))
    outcomes = []
    for number in range(12):
        stage.show((face(), unit(number % 2)))
        outcomes.append(recogniser.recognise(frame(number, number * 0.05), search).identification.outcome)
    assert set(outcomes) == {IdentificationOutcome.OPEN}


def test_only_the_nearest_face_in_the_zone_is_looked_at_and_asked(stage: Stage, search: Search) -> None:
    near, behind = face(Box(260, 160, 160, 160)), face(Box(100, 100, 60, 60))
    stage.show((near, unit(0)), (behind, unit(1)))
    sightings = see(Recogniser(stage), search, 5)
    assert sightings[-1].identification.person_id == ANN.person_id
    assert (stage.described, stage.embedded) == (5, 3)
    assert len(sightings[-1].tracks) == 2


def test_a_larger_face_outside_the_zone_is_left_alone(stage: Stage, search: Search) -> None:
    stage.show((face(Box(0, 160, 200, 200)), unit(1)), (face(Box(300, 160, 100, 100)), unit(0)))
    policy = RecognitionPolicy(zone=Zone(left=0.4, right=0.9))
    assert see(Recogniser(stage, policy), search, 5)[-1].identification.person_id == ANN.person_id


def test_two_people_side_by_side_do_not_take_turns(stage: Stage, search: Search) -> None:
    recogniser = Recogniser(stage)
    fronts = set()
    for number in range(10):
        left, right = 120 + number % 2, 120 + (number + 1) % 2
        stage.show((face(Box(100, 160, left, left)), unit(0)), (face(Box(400, 160, right, right)), unit(1)))
        fronts.add(recogniser.recognise(frame(number, number * 0.05), search).track_id)
    assert len(fronts) == 1
    stage.show((face(Box(90, 150, 150, 150)), unit(0)), (face(Box(400, 160, 120, 120)), unit(1)))
    assert recogniser.recognise(frame(10, 0.5), search).track_id not in fronts


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"inter_eye_distance": 15.0}, Obstacle.TOO_FAR),
        ({"pose": Pose(60, 0, 0)}, Obstacle.TURNED_AWAY),
        ({"pose": Pose(0, -50, 0)}, Obstacle.TURNED_AWAY),
        ({"brightness": 10.0}, Obstacle.TOO_DARK),
        ({"overexposed": 0.8}, Obstacle.TOO_BRIGHT),
        ({"sharpness": 0.001}, Obstacle.BLURRED),
        ({"presence": 0.5}, Obstacle.UNCERTAIN),
    ],
)
def test_a_face_that_cannot_be_seen_well_does_not_vote(stage: Stage, search: Search, changes, obstacle) -> None:
    stage.show((face(**changes), unit(0)))
    sighting = see(Recogniser(stage), search, 10)[-1]
    assert (sighting.obstacle, sighting.identification) == (obstacle, None)
    assert stage.embedded == 0


def test_a_good_face_meets_every_limit() -> None:
    assert FaceLimits().obstacle(face()) is None


def test_without_a_gallery_faces_are_followed_but_nobody_is_looked_up(stage: Stage) -> None:
    stage.show((face(), unit(0)))
    sightings = see(Recogniser(stage), None, 5)
    assert len({sighting.track_id for sighting in sightings}) == 1
    assert stage.embedded == 0


def test_a_stranger_is_given_up_and_then_asked_less_often(stage: Stage, search: Search) -> None:
    stage.show((face(), unit(5)))
    policy = RecognitionPolicy(vote=VotePolicy(give_up=8), retry=0.25)
    sightings = see(Recogniser(stage, policy), search, 28)
    assert sightings[7].identification.outcome is IdentificationOutcome.UNKNOWN
    assert stage.embedded == 8 + 20 // 5


class Scorer:
    def __init__(self, score: float) -> None:
        self.value, self.calls = score, 0

    def score(self, _image: np.ndarray, _face) -> float:
        self.calls += 1
        return self.value


def test_a_print_of_a_known_person_is_a_spoof_whatever_the_vote_says(stage: Stage, search: Search) -> None:
    stage.show((face(), unit(0)))
    sighting = see(Recogniser(stage, liveness=Scorer(0.1)), search, 6)[-1]
    assert sighting.identification.outcome is IdentificationOutcome.PERSON
    assert sighting.liveness is Liveness.SPOOF


def test_liveness_waits_for_its_frames_before_a_track_is_settled(stage: Stage, search: Search) -> None:
    stage.show((face(), unit(0)))
    scorer = Scorer(0.9)
    policy = RecognitionPolicy(vote=VotePolicy(window=3, needed=1), liveness=LivenessPolicy(window=6, needed=4))
    sightings = see(Recogniser(stage, policy, liveness=scorer), search, 8)
    assert [sighting.liveness for sighting in sightings[:4]] == [Liveness.OPEN] * 3 + [Liveness.LIVE]
    assert scorer.calls == 4


def test_only_a_face_that_is_nobody_s_is_looked_at_for_a_mask(stage: Stage, search: Search) -> None:
    looks = []

    def masked(_image: np.ndarray, seen) -> Covering:
        looks.append(seen)
        return Covering.MASK

    stage.show((face(), unit(0)))
    assert see(Recogniser(stage, covering=masked), search, 6)[-1].covering is None
    assert looks == []
    stage.show((face(), unit(5)))
    sightings = see(Recogniser(stage, covering=masked), search, 8)
    assert [sighting.covering for sighting in sightings[1:3]] == [None, Covering.MASK]
    assert sightings[-1].identification.outcome is IdentificationOutcome.UNKNOWN


def test_nobody_in_the_zone_is_nobody() -> None:
    assert nearest([Box(0, 0, 50, 50)], Zone(left=0.5), 640, 480) is None
    assert nearest([], Zone(), 640, 480) is None
