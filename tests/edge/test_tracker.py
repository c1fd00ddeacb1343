import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tracker import Tracker, TrackPolicy, affinity
from models.box import Box


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def test_a_walking_face_keeps_its_id() -> None:
    tracker = Tracker()
    numbers = {
        tracker.update([Box(100 + 6 * step, 100, 60 + step, 60 + step)], step * 0.04)[0].id for step in range(60)
    }
    assert len(numbers) == 1


def test_a_face_that_jumps_across_the_picture_is_somebody_else() -> None:
    tracker = Tracker()
    first = tracker.update([Box(0, 0, 60, 60)], 0.0)[0].id
    assert tracker.update([Box(400, 300, 60, 60)], 0.04)[0].id != first


def test_a_face_missed_for_some_frames_is_found_again() -> None:
    tracker = Tracker(TrackPolicy(patience=0.8))
    first = tracker.update([Box(100, 100, 60, 60)], 0.0)[0].id
    tracker.update([], 0.3)
    assert tracker.update([Box(110, 100, 60, 60)], 0.5)[0].id == first


def test_a_face_gone_for_longer_than_the_patience_is_new() -> None:
    tracker = Tracker(TrackPolicy(patience=0.8))
    first = tracker.update([Box(100, 100, 60, 60)], 0.0)[0].id
    assert tracker.update([Box(100, 100, 60, 60)], 0.9)[0].id != first


def test_two_faces_that_pass_each_other_slowly_do_not_swap() -> None:
    tracker = Tracker()
    near, far = [], []
    for step in range(50):
        boxes = [Box(50 + 8 * step, 100, 120, 120), Box(450 - 8 * step, 100, 50, 50)]
        tracks = tracker.update(boxes, step * 0.04)
        near.append(tracks[0].id)
        far.append(tracks[1].id)
    assert set(near).isdisjoint(far)
    assert len(set(near)) == len(set(far)) == 1


def test_another_person_in_the_same_place_gets_a_new_track() -> None:
    tracker = Tracker(TrackPolicy(same_person=0.25))
    track = tracker.update([Box(100, 100, 60, 60)], 0.0)[0]
    assert tracker.attach(track, {"m-1": unit(1, 0, 0)}, 0.0) is track
    assert tracker.attach(track, {"m-1": unit(0.9, 0.3, 0)}, 0.1) is track
    other = tracker.attach(track, {"m-1": unit(0, 0, 1)}, 0.2)
    assert other.id != track.id
    assert [alive.id for alive in tracker.tracks] == [other.id]


def test_a_face_that_cannot_be_compared_is_not_taken_for_the_same_person() -> None:
    tracker = Tracker(TrackPolicy(same_person=0.25))
    track = tracker.update([Box(100, 100, 60, 60)], 0.0)[0]
    tracker.attach(track, {"m-1": unit(1, 0, 0)}, 0.0)
    broken = tracker.attach(track, {"m-1": np.full(3, np.nan, np.float32)}, 0.1)
    assert broken.id != track.id
    assert tracker.attach(broken, {"m-1": unit(1, 0, 0)}, 0.2).id != broken.id


def test_the_affinity_of_a_still_face_is_one_and_of_a_far_one_zero() -> None:
    policy = TrackPolicy()
    assert affinity(Box(0, 0, 50, 50), Box(0, 0, 50, 50), 0.04, policy) == pytest.approx(1)
    assert affinity(Box(0, 0, 50, 50), Box(200, 0, 50, 50), 0.04, policy) == 0


boxes = st.builds(
    Box,
    left=st.floats(-50, 640),
    top=st.floats(-50, 480),
    width=st.floats(8, 400),
    height=st.floats(8, 400),
)


@given(st.lists(st.tuples(st.floats(0, 0.5), st.lists(boxes, max_size=5)), max_size=20))
def test_ids_are_never_shared_in_a_frame_nor_used_again_after_they_ended(frames) -> None:
    tracker = Tracker()
    at, ended, alive_before = 0.0, set(), set()
    for passed, seen in frames:
        at += passed
        tracks = tracker.update(seen, at)
        numbers = [track.id for track in tracks]
        assert len(numbers) == len(set(numbers)) == len(seen)
        alive = {track.id for track in tracker.tracks}
        assert set(numbers) <= alive
        ended |= alive_before - alive
        assert not ended & alive
        alive_before = alive
        assert [track.box for track in tracks] == seen
