"""The protocols of the 1:N benchmark, on made vectors."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.identification import Protocols, rates, variants
from benchmarks.identification_protocol import Protocol, Searches, search
from benchmarks.identification_votes import THREE_OF_FIVE, TWO_OF_THREE, Sequences
from benchmarks.lfw_labels import WRONGLY_NAMED, rightly_named
from benchmarks.measures import threshold_at

PEOPLE = {
    "ann": [Path("ann_1"), Path("ann_2"), Path("ann_3")],
    "bob": [Path("bob_1"), Path("bob_2")],
    "eve": [Path("eve_1")],
}


def direction(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def test_people_with_one_photo_are_strangers_and_the_rest_are_enrolled_with_their_first() -> None:
    protocol = Protocol.of(PEOPLE)
    assert protocol.enrolled == {"ann": (Path("ann_1"),), "bob": (Path("bob_1"),)}
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
    assert searches.mated_people.tolist() == [0, 0, 1]
    # eve's own score is the threshold that keeps her out; bob's probe lies below it.
    assert searches.fnir_at_fpir(0.01) == pytest.approx(2 / 3)


def test_a_person_without_a_template_is_never_found_and_a_missing_probe_matches_nobody() -> None:
    vectors = {Path("ann_1"): direction(0), Path("ann_2"): direction(1), Path("bob_2"): direction(90)}
    searches = search(Protocol.of(PEOPLE), vectors, vectors)
    assert searches.mated_right.tolist() == [True, False, False]
    assert searches.nonmated_scores.tolist() == [-1.0]


def test_a_longer_directory_takes_in_strangers_who_are_searched_no_more() -> None:
    strangers = {f"s{number}": [Path(f"s{number}/1")] for number in range(10)}
    protocol = Protocol.of({**PEOPLE, **strangers})
    filled = protocol.filled_up(6, seed=1)
    assert len(filled.enrolled) == 6
    assert len(filled.nonmated) == len(protocol.nonmated) - 4
    assert not {photo for photos in filled.enrolled.values() for photo in photos} & set(filled.nonmated)
    assert filled.mated == protocol.mated
    assert protocol.filled_up(6, seed=2).nonmated != filled.nonmated
    assert len(protocol.filled_up(1_000, seed=1).nonmated) == 6, "half of them remain, of eleven"
    assert protocol.filled_up(1, seed=1).enrolled == protocol.enrolled


def test_the_second_photo_is_enrolled_and_not_searched() -> None:
    one, two = Protocol.of(PEOPLE).with_second_photo(PEOPLE)
    assert one.mated == two.mated == [(Path("ann_3"), "ann")]
    assert two.enrolled == {"ann": (Path("ann_1"), Path("ann_2")), "bob": (Path("bob_1"), Path("bob_2"))}
    names, rows = two.gallery({Path("ann_1"): direction(0), Path("ann_2"): direction(60), Path("bob_2"): direction(9)})
    assert names == ["ann", "bob"]
    np.testing.assert_allclose(rows, [direction(30), direction(9)], atol=1e-6)


def made_searches(people: int) -> Searches:
    random = np.random.default_rng(people)
    return Searches(
        mated_scores=random.normal(0.6, 0.1, people * 4),
        mated_right=np.ones(people * 4, np.bool_),
        mated_people=np.repeat(np.arange(people), 4),
        nonmated_scores=random.normal(0.3, 0.1, people * 4),
    )


def test_an_interval_holds_the_rate_and_narrows_with_more_people() -> None:
    def width(people: int) -> float:
        searches = made_searches(people)
        low, high = np.quantile(searches.drawn_anew(0.05, repeats=200), [0.025, 0.975])
        assert low <= searches.fnir_at_fpir(0.05) <= high
        return float(high - low)

    assert width(400) < width(25)


def test_probes_of_one_person_are_missed_together() -> None:
    """Drawn one by one they would promise a narrower interval than there is."""
    together = made_searches(60)
    together.mated_scores[:] = np.repeat(together.mated_scores[::4], 4)
    apart = Searches(
        together.mated_scores, together.mated_right, np.arange(len(together.mated_scores)), together.nonmated_scores
    )
    limit_alone = [np.std(each.drawn_anew(0.05, repeats=300)) for each in (together, apart)]
    assert limit_alone[0] > limit_alone[1]


def test_rates_are_means_over_draws() -> None:
    drawn = [made_searches(30), made_searches(31)]
    figures = rates(drawn)
    assert figures["fnir_at_fpir_1e-2"] == pytest.approx(np.mean([one.fnir_at_fpir(1e-2) for one in drawn]))
    assert len(figures["interval_at_fpir_3e-3"]) == 2


def test_where_nobody_is_missed_the_interval_says_how_few_they_were() -> None:
    searches = made_searches(30)
    searches.mated_scores[:] = 2.0
    assert rates([searches])["interval_at_fpir_1e-2"] == [0.0, pytest.approx(0.1)]


def sequences_of(vectors: dict[Path, np.ndarray], people: dict[str, list[Path]], policy=THREE_OF_FIVE) -> Sequences:
    return Sequences.of(Protocol.of(people), vectors, vectors, policy)


@pytest.fixture
def two_people() -> tuple[dict[str, list[Path]], dict[Path, np.ndarray]]:
    people = {name: [Path(f"{name}_{number}") for number in range(6)] for name in ("ann", "bob")}
    return people, {photo: direction(0 if name == "ann" else 90) for name, photos in people.items() for photo in photos}


def test_a_vote_over_five_frames_forgives_two_bad_ones_and_believes_no_single_one(two_people) -> None:
    people, vectors = two_people
    vectors[Path("ann_1")] = vectors[Path("ann_3")] = direction(45)  # two frames that say nothing
    vectors[Path("bob_2")] = direction(2)  # one that names the other
    found = sequences_of(vectors, people).figures(0.8)
    assert (found["fnir_vote"], found["fpir_vote"]) == (0.0, 0.0)
    assert found["fnir_frame"] == pytest.approx(3 / 10)
    assert found["fpir_frame"] == pytest.approx(1 / 10)


def test_the_interval_of_a_vote_draws_people_and_says_what_none_of_them_means() -> None:
    people = {f"p{number}": [Path(f"p{number}_{photo}") for photo in range(11)] for number in range(10)}
    vectors = {photo: direction(9 * int(name[1:])) for name, photos in people.items() for photo in photos}
    sequences = sequences_of(vectors, people)
    assert len(sequences.found) == 20
    assert sequences.interval([False] * 20) == [0.0, 0.3], "ten people, not twenty sequences"
    both_of_one = [one.person_id.int == 0 for one in sequences.found]
    one_of_two = [one.person_id.int < 2 and number % 2 == 0 for number, one in enumerate(sequences.found)]
    (low, high), (low_apart, high_apart) = (sequences.interval(wrong) for wrong in (both_of_one, one_of_two))
    assert low <= low_apart <= 0.1 <= high_apart < high, "errors of one person come together"


def test_the_threshold_of_a_vote_lets_through_no_more_than_the_wanted_share_of_strangers(two_people) -> None:
    people, vectors = two_people
    for number, angle in enumerate((30, 35, 40, 80, 85), start=1):
        vectors[Path(f"bob_{number}")] = direction(angle)
    sequences = sequences_of(vectors, people)
    strict, lenient = sequences.limit_at(0.0), sequences.limit_at(0.5)
    assert sequences.figures(strict)["fpir_vote"] == 0.0
    assert sequences.figures(lenient)["fpir_vote"] <= 0.5
    # Three of bob's frames are 40° or less from ann: from there on his vote names her.
    assert strict == pytest.approx(np.cos(np.radians(40)), abs=1e-6)
    assert sequences.figures(strict - 1e-3)["fpir_vote"] == 0.5


def test_no_photograph_stands_in_two_sequences(two_people) -> None:
    people, vectors = two_people
    report = sequences_of(vectors, people, TWO_OF_THREE).report(0.8)
    assert report is not None
    assert (report["sequences"], report["people"], report["directory"]) == (2, 2, 2)


def test_without_enough_photographs_there_is_no_vote() -> None:
    vectors = {photo: direction(0) for photos in PEOPLE.values() for photo in photos}
    assert sequences_of(vectors, PEOPLE).report(0.8) is None


def test_wrong_names_are_left_out_and_nothing_else() -> None:
    wrong, right = Path("Ray_Young/Ray_Young_0001.jpg"), Path("Jason_Kapono/Jason_Kapono_0001.jpg")
    abbas = [Path(f"Mahmoud_Abbas/Mahmoud_Abbas_{number:04d}.jpg") for number in (11, 12, 13)]
    people = {"Ray_Young": [wrong], "Jason_Kapono": [right], "Mahmoud_Abbas": abbas}
    assert rightly_named(people) == {"Jason_Kapono": [right], "Mahmoud_Abbas": [abbas[0], abbas[2]]}
    assert len(WRONGLY_NAMED) == 17


def test_every_variant_is_measured_and_its_photographs_are_asked_for() -> None:
    random = np.random.default_rng(6)
    people = {f"p{number}": [Path(f"p{number}/{photo}") for photo in range(7)] for number in range(12)}
    people |= {f"s{number}": [Path(f"s{number}/0")] for number in range(40)}
    own = {name: random.normal(size=16) for name in people}

    def vector(photo: Path) -> np.ndarray:
        drawn = own[photo.parent.name] + random.normal(scale=0.2, size=16)
        return (drawn / np.linalg.norm(drawn)).astype(np.float32)

    protocols = Protocols.of(people)
    enrolled, searched = protocols.photos()
    assert len(searched) == 12 * 6 + 40
    found = variants(protocols, {photo: vector(photo) for photo in enrolled}, {p: vector(p) for p in searched}, 0.8)
    assert found["directory_of_2000"]["enrolled"] == 12 + 20
    assert found["two_photos"]["people"] == 12
    assert found["two_photos"]["mean"]["fnir_at_fpir_1e-2"] <= found["two_photos"]["one"]["fnir_at_fpir_1e-2"]
    assert found["vote_3_of_5"]["sequences"] == 12
    assert found["vote_2_of_3"]["sequences"] == 24
    assert threshold_at(np.array([found["vote_3_of_5"]["default"]["threshold"]]), 1.0) == -np.inf
