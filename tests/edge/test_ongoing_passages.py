from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ongoing_passages import OngoingPassages, PassagePolicy

A, B = UUID(int=1), UUID(int=2)


def test_a_person_who_keeps_standing_there_opens_once() -> None:
    passages = OngoingPassages(PassagePolicy(absence=3))
    assert passages.begin(A, 1, 0.0)
    for second in range(60):
        passages.record_tracks([1], second)
        assert not passages.begin(A, 1, second)


def test_a_person_who_left_for_long_enough_opens_again() -> None:
    passages = OngoingPassages(PassagePolicy(absence=3))
    passages.begin(A, 1, 0.0)
    passages.record_tracks([1], 5.0)
    passages.record_tracks([], 7.0)
    assert not passages.begin(A, 2, 7.9)
    passages.record_tracks([], 9.0)
    passages.record_tracks([], 11.0)
    assert passages.begin(A, 3, 11.0)


def test_a_face_lost_for_a_moment_is_the_same_passage_under_its_new_track() -> None:
    passages = OngoingPassages(PassagePolicy(absence=3))
    passages.begin(A, 1, 0.0)
    assert not passages.begin(A, 2, 1.0)
    passages.record_tracks([2], 3.5)
    assert not passages.begin(A, 2, 6.0)


def test_people_do_not_block_each_other() -> None:
    passages = OngoingPassages()
    assert passages.begin(A, 1, 0.0)
    assert passages.begin(B, 2, 0.1)


def test_an_absence_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        PassagePolicy(absence=0)


steps = st.lists(
    st.tuples(
        st.floats(0, 4),
        st.sampled_from(["begin", "seen"]),
        st.sampled_from([A, B]),
        st.integers(1, 4),
        st.sets(st.integers(1, 4)),
    ),
    max_size=40,
)


@given(steps)
def test_two_openings_of_a_person_lie_at_least_the_absence_apart(sequence) -> None:
    absence = 3.0
    passages = OngoingPassages(PassagePolicy(absence=absence))
    at, last_sign, tracks_of = 0.0, {}, {A: set(), B: set()}
    for passed, what, person, track, visible in sequence:
        at += passed
        if what == "seen":
            passages.record_tracks(visible, at)
            for someone, tracks in tracks_of.items():
                # A passage that is over cannot be prolonged by a track that comes back.
                if tracks & visible and someone in last_sign and someone in passages.people(at):
                    last_sign[someone] = at
            continue
        opened = passages.begin(person, track, at)
        if opened:
            assert person not in last_sign or at - last_sign[person] >= absence
            tracks_of[person] = {track}
        else:
            assert at - last_sign[person] < absence
            tracks_of[person].add(track)
        last_sign[person] = at
