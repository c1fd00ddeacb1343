"""The protocol of the 1:N benchmark, on made vectors."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.identification import Protocol, search, votes

PEOPLE = {
    "ann": [Path("ann_1"), Path("ann_2"), Path("ann_3")],
    "bob": [Path("bob_1"), Path("bob_2")],
    "eve": [Path("eve_1")],
}


def direction(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def test_people_with_one_photo_are_strangers_and_the_rest_are_enrolled_with_their_first() -> None:
    protocol = Protocol.of(PEOPLE)
    assert protocol.enrolled == {"ann": Path("ann_1"), "bob": Path("bob_1")}
    assert protocol.mated == [(Path("ann_2"), "ann"), (Path("ann_3"), "ann"), (Path("bob_2"), "bob")]
    assert protocol.nonmated == [Path("eve_1")]


def test_a_probe_must_be_ranked_first_and_above_the_threshold() -> None:
    vectors = {
        Path("ann_1"): direction(0),
        Path("ann_2"): direction(10),
        Path("ann_3"): direction(80),  # nearer to bob
        Path("bob_1"): direction(90),
        Path("bob_2"): direction(50),
        Path("eve_1"): direction(-30),
    }
    searches = search(Protocol.of(PEOPLE), vectors, vectors)
    assert searches.rank1() == pytest.approx(2 / 3)
    assert searches.fnir(0.5) == pytest.approx(1 / 3)
    assert searches.fnir(0.9) == pytest.approx(2 / 3)
    assert searches.nonmated_scores == pytest.approx([np.cos(np.radians(30))])
    # eve's own score is the threshold that keeps her out; bob's probe lies below it.
    assert searches.fnir_at_fpir(0.01) == pytest.approx(2 / 3)


def test_a_person_without_a_template_is_never_found_and_a_missing_probe_matches_nobody() -> None:
    vectors = {Path("ann_1"): direction(0), Path("ann_2"): direction(1), Path("bob_2"): direction(90)}
    searches = search(Protocol.of(PEOPLE), vectors, vectors)
    assert searches.mated_right.tolist() == [True, False, False]
    assert searches.nonmated_scores.tolist() == [-1.0]


def test_a_vote_over_five_frames_forgives_two_bad_ones_and_believes_no_single_one() -> None:
    people = {name: [Path(f"{name}_{number}") for number in range(6)] for name in ("ann", "bob")}
    vectors = {photo: direction(0 if name == "ann" else 90) for name, photos in people.items() for photo in photos}
    vectors[Path("ann_1")] = vectors[Path("ann_3")] = direction(45)  # two frames that say nothing
    vectors[Path("bob_2")] = direction(2)  # one that names the other
    found = votes(Protocol.of(people), vectors, vectors, 0.8)
    assert found is not None
    assert (found.sequences, found.fnir_vote, found.fpir_vote) == (2, 0.0, 0.0)
    assert found.fnir_frame == pytest.approx(3 / 10)
    assert found.fpir_frame == pytest.approx(1 / 10)


def test_without_enough_photographs_there_is_no_vote() -> None:
    vectors = {photo: direction(0) for photos in PEOPLE.values() for photo in photos}
    assert votes(Protocol.of(PEOPLE), vectors, vectors, 0.8) is None
