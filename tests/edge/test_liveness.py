from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.liveness import Cue, Evidence, Liveness, LivenessPolicy, LivenessVote

LIVING = Evidence(score=0.9)
STEP = 0.05


def standing(*frames: Evidence, policy: LivenessPolicy | None = None) -> tuple[Liveness, Cue | None]:
    vote = LivenessVote(policy or LivenessPolicy())
    found = [vote.cast(seen, number * STEP) for number, seen in enumerate(frames)][-1]
    return found, vote.spoof_cue


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        ([LIVING] * 2, (Liveness.OPEN, None)),
        ([LIVING] * 3, (Liveness.LIVE, None)),
        ([Evidence()] * 3, (Liveness.LIVE, None)),
        ([Evidence(score=0.2)] * 3, (Liveness.SPOOF, Cue.TEXTURE)),
        ([Evidence(score=nan)] * 3, (Liveness.SPOOF, Cue.TEXTURE)),
        ([Evidence(score=inf)] * 3, (Liveness.SPOOF, Cue.TEXTURE)),
        ([Evidence(score=0.99, border=0.9)] * 3, (Liveness.SPOOF, Cue.BORDER)),
        ([Evidence(moire=6.0)] * 3, (Liveness.SPOOF, Cue.MOIRE)),
        ([Evidence(score=0.99, flatness=0.2)] * 3, (Liveness.SPOOF, Cue.PLANE)),
        ([Evidence(border=0.9), LIVING, LIVING], (Liveness.LIVE, None)),
        ([Evidence(border=None), *[Evidence(score=0.99, border=0.6)] * 2], (Liveness.SPOOF, Cue.BORDER)),
        ([Evidence(border=0.9), Evidence(border=0.4)], (Liveness.OPEN, None)),
        ([Evidence(flatness=0.2), Evidence(flatness=0.9), Evidence(flatness=1.1)], (Liveness.LIVE, None)),
    ],
)
def test_what_the_frames_say_together(frames, found) -> None:
    assert standing(*frames) == found


def test_a_picture_is_not_believed_again_when_its_edge_leaves_the_view() -> None:
    assert standing(*[Evidence(score=0.9, border=0.9)] * 3, *[LIVING] * 20) == (Liveness.SPOOF, Cue.BORDER)


def test_the_networks_may_change_their_mind() -> None:
    assert standing(*[Evidence(score=0.3)] * 4, *[LIVING] * 7)[0] is Liveness.LIVE


def test_a_face_whose_surroundings_are_out_of_view_is_watched_longer() -> None:
    unseen = [Evidence(score=0.9, border=None)]
    assert standing(*unseen * 15)[0] is Liveness.OPEN
    assert standing(*unseen * 18)[0] is Liveness.LIVE
    assert standing(*unseen * 5, *[LIVING] * 3)[0] is Liveness.LIVE


def test_a_gate_may_watch_everybody_longer() -> None:
    policy = LivenessPolicy(least_time=0.5)
    assert standing(*[LIVING] * 10, policy=policy)[0] is Liveness.OPEN
    assert standing(*[LIVING] * 12, policy=policy)[0] is Liveness.LIVE


evidence = st.builds(
    Evidence,
    score=st.floats(0, 1),
    border=st.none() | st.floats(0, 1),
    moire=st.floats(0, 9),
    flatness=st.none() | st.floats(0, 2),
)


@given(st.lists(evidence, min_size=1, max_size=20))
def test_the_cues_only_ever_speak_against_a_face(frames) -> None:
    networks_alone = [Evidence(score=seen.score) for seen in frames]
    if standing(*frames)[0] is Liveness.LIVE:
        assert standing(*networks_alone)[0] is Liveness.LIVE
