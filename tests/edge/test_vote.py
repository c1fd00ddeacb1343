from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.matcher import Match
from edge.vote import IdentificationOutcome, Vote, VotePolicy

A, B = UUID(int=1), UUID(int=2)
THRESHOLD = 0.6


def good(person: UUID = A, score: float = 0.8) -> Match:
    return Match(person, score, 0.2)


def poor(person: UUID = A) -> Match:
    return Match(person, 0.4, 0.3)


def cast(vote: Vote, *matches: Match):
    return [vote.cast(match, THRESHOLD).outcome for match in matches][-1]


def test_one_strong_frame_does_not_open() -> None:
    assert cast(Vote(), good(score=0.99)) is IdentificationOutcome.OPEN


def test_one_frame_opens_only_when_configured_so() -> None:
    assert cast(Vote(VotePolicy(window=1, needed=1)), good()) is IdentificationOutcome.PERSON


def test_three_of_the_last_five_frames_settle_it() -> None:
    vote = Vote()
    assert cast(vote, good(), poor(), good(), poor()) is IdentificationOutcome.OPEN
    identification = vote.cast(good(), THRESHOLD)
    assert (identification.outcome, identification.person_id, identification.support) == (
        IdentificationOutcome.PERSON,
        A,
        3,
    )
    assert identification.evidence == pytest.approx(0.6)


def test_frames_that_left_the_window_do_not_count() -> None:
    vote = Vote(VotePolicy(give_up=20))
    assert cast(vote, good(), good(), poor(), poor(), poor(), poor(), good()) is IdentificationOutcome.OPEN


def test_a_frame_without_a_clear_margin_does_not_count() -> None:
    vote = Vote()
    assert cast(vote, *[Match(A, 0.8, 0.78)] * 7) is IdentificationOutcome.OPEN
    assert cast(vote, Match(A, 0.8, 0.78)) is IdentificationOutcome.AMBIGUOUS


def test_a_stranger_is_unknown_after_enough_frames_and_may_still_be_recognised() -> None:
    vote = Vote()
    assert cast(vote, *[poor()] * 8) is IdentificationOutcome.UNKNOWN
    assert cast(vote, good(), good(), good()) is IdentificationOutcome.PERSON


def test_frames_that_name_two_people_are_ambiguous() -> None:
    vote = Vote(VotePolicy(window=4, needed=3, give_up=4))
    assert cast(vote, good(A), good(B), good(A), good(B)) is IdentificationOutcome.AMBIGUOUS


def test_somebody_else_s_frame_takes_evidence_away() -> None:
    policy = VotePolicy(window=5, needed=3, least_evidence=0.5)
    assert cast(Vote(policy), good(), good(), good()) is IdentificationOutcome.PERSON
    assert cast(Vote(policy), good(), good(), good(B), good()) is IdentificationOutcome.OPEN


@pytest.mark.parametrize("fields", [{"needed": 6}, {"needed": 0}, {"give_up": 2}])
def test_a_policy_that_cannot_be_met_is_refused(fields) -> None:
    with pytest.raises(ValueError, match="frames"):
        VotePolicy(**fields)


matches = st.builds(
    Match,
    person_id=st.sampled_from([A, B, None]),
    score=st.floats(0.3, 1.0),
    runner_up=st.floats(-1.0, 0.9),
)
policies = st.integers(1, 6).flatmap(
    lambda window: st.builds(
        VotePolicy,
        window=st.just(window),
        needed=st.integers(1, window),
        least_margin=st.floats(0, 0.3),
        give_up=st.integers(window, 12),
    )
)


@given(policies, st.lists(matches, max_size=20))
def test_a_person_is_named_only_by_enough_clear_frames_of_the_window(policy, sequence) -> None:
    vote = Vote(policy)
    for index, match in enumerate(sequence):
        identification = vote.cast(match, THRESHOLD)
        window = sequence[max(0, index + 1 - policy.window) : index + 1]

        def clear_for(person, window=window):
            return sum(
                seen.person_id == person and seen.score >= THRESHOLD and seen.margin >= policy.least_margin
                for seen in window
            )

        if identification.outcome is IdentificationOutcome.PERSON:
            assert clear_for(identification.person_id) == identification.support >= policy.needed
            assert all(clear_for(other) < identification.support for other in {A, B} - {identification.person_id})
        else:
            assert identification.person_id is None
            assert identification.outcome is IdentificationOutcome.OPEN or index + 1 >= policy.give_up
