"""Faces at a gate, over a real broker, against a controller that judges commands as a real one does."""

from datetime import UTC, datetime

import pytest

from edge.covering import Covering
from messages import Action, Advice, Feedback, Method
from models.box import Box
from tests.edge.staging import TOPICS, Directory, face, person, unit

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


ANN, BEN = person(0), person(1)


def test_a_known_face_opens_once_and_is_reported_with_its_latency(gate, until) -> None:
    north = gate()
    north.show((face(), unit(0)), frames=30)
    until(lambda: north.events("face_granted"))
    north.show((face(), unit(0)), frames=30)
    (command,) = north.controller.accepted
    assert (command.action, command.method, command.person_id) == (Action.OPEN, Method.FACE, ANN.person_id)
    (event,) = north.events("face_granted")
    assert (event.person_id, event.granted, event.command_id) == (ANN.person_id, True, command.id)
    assert event.details["latency_to"] == "relay"
    assert 0 < event.details["decided_ms"] <= event.details["sent_ms"] <= event.latency_ms


def test_a_live_picture_that_never_changes_lets_nobody_in(gate, until) -> None:
    north = gate(live=True)
    north.show((face(), unit(0)), frames=30)
    assert not north.controller.accepted
    assert not north.events("face_refused")
    north.show((face(), unit(0)), noisy=True)
    until(lambda: len(north.controller.accepted) == 1)


def test_a_person_who_left_opens_again(gate, until) -> None:
    north = gate()
    north.show((face(), unit(0)))
    until(lambda: len(north.controller.accepted) == 1)
    north.leave()
    north.show((face(), unit(0)))
    until(lambda: len(north.controller.accepted) == 2)


def test_a_stranger_is_refused_and_reported_once(gate, until) -> None:
    north = gate()
    north.show((face(), unit(5)), frames=60)
    (event,) = north.events("face_refused")
    assert (event.reason, event.granted, event.person_id) == ("unknown_face", False, None)
    assert not north.controller.accepted


def test_a_face_between_two_people_is_ambiguous(gate) -> None:
    north = gate()
    north.show((face(), unit(0, towards=1, share=0.5)), frames=20)
    assert [event.reason for event in north.events("face_refused")] == ["ambiguous_face"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"suspended": True}, "suspended"),
        ({"groups": ()}, "not_entitled"),
        ({"valid_until": datetime(2020, 1, 1, tzinfo=UTC)}, "expired"),
        ({"needs_card_and_face": True}, "card_required"),
    ],
)
def test_a_known_face_without_the_right_to_pass_is_refused_with_the_reason(gate, changes, reason) -> None:
    north = gate(Directory(person(0, **changes)))
    north.show((face(), unit(0)), frames=20)
    (event,) = north.events("face_refused")
    assert (event.reason, event.person_id) == (reason, ANN.person_id)
    assert not north.controller.accepted


def test_a_person_removed_from_the_directory_is_refused_at_once(gate) -> None:
    north = gate()
    del north.directory.people[ANN.person_id]  # the matcher does not know it yet; the decision does
    north.show((face(), unit(0)), frames=10)
    assert [event.reason for event in north.events("face_refused")] == ["unknown_face"]
    assert not north.controller.accepted


def test_people_added_to_the_directory_are_known_soon(gate, until) -> None:
    north = gate()
    north.directory.change(person(2))
    until(lambda: north.service._searches.current.people == 3)
    north.show((face(), unit(2)))
    until(lambda: len(north.controller.accepted) == 1)


class Scorer:
    def __init__(self, score: float) -> None:
        self.value = score

    def score(self, _image, _face) -> float:
        return self.value


def test_a_picture_of_an_enrolled_person_is_a_spoof_reported_once_with_whose_it_was(gate) -> None:
    north = gate(liveness=Scorer(0.02))
    north.show((face(), unit(0)), frames=40)
    (event,) = north.events("spoof")
    assert (event.reason, event.granted, event.person_id) == ("spoof", False, ANN.person_id)
    assert event.details["liveness"] == pytest.approx(0.02)
    assert not north.controller.accepted
    assert not north.events("face_refused")


def test_whose_picture_was_just_held_up_is_not_let_in_by_a_new_track_at_once_and_others_are(gate, until) -> None:
    scorer = Scorer(0.02)
    north = gate(liveness=scorer)
    north.show((face(), unit(0)), frames=6)
    until(lambda: north.events("spoof"))
    scorer.value = 0.97
    north.show((face(Box(20, 20, 120, 120)), unit(0)), frames=8)
    assert not north.controller.accepted
    north.show((face(Box(500, 100, 120, 120)), unit(1)), frames=8)
    until(lambda: north.events("face_granted"))
    assert [command.person_id for command in north.controller.accepted] == [BEN.person_id]


def test_a_living_person_opens_also_with_the_liveness_check(gate, until) -> None:
    north = gate(liveness=Scorer(0.97))
    north.show((face(), unit(0)), frames=10)
    until(lambda: north.events("face_granted"))


def test_a_masked_stranger_is_asked_to_take_it_off_and_the_refusal_says_why(gate, until) -> None:
    north = gate(covering=lambda _image, _face: Covering.MASK)
    said: list[Advice] = []
    north.controller.connection.subscribe(
        TOPICS.feedback, lambda _topic, payload, _retained: said.append(Feedback.decode(payload).advice)
    )
    north.show((face(), unit(6)), frames=14)
    until(lambda: north.events("face_refused"))
    (refused,) = north.events("face_refused")
    assert (refused.reason, refused.person_id, refused.granted) == ("mask_worn", None, False)
    until(lambda: Advice.TAKE_OFF_MASK in said)


def test_only_of_a_false_face_a_picture_is_kept_and_only_where_somebody_keeps_it(gate, until) -> None:
    kept = []
    north = gate(liveness=Scorer(0.05), keep_picture=lambda event, image, box: kept.append((event, image.shape, box)))
    north.show((face(), unit(0)), frames=6)
    until(lambda: north.events("spoof") and kept)
    (spoof,) = north.events("spoof")
    assert spoof.details["picture_kept"] is True
    assert kept == [(spoof.id, (480, 640, 3), face().box)]


def test_health_names_who_judges_whether_a_face_is_alive(gate) -> None:
    north = gate(liveness=Scorer(0.9), liveness_networks=("fr-liveness", "minifasnet-v2"))
    assert north.service._health.figures()["liveness_by"] == "fr-liveness, minifasnet-v2"
