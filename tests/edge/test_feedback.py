import itertools

import pytest

from edge.covering import Covering, CoveringVote
from edge.feedback import FeedbackPublisher, advice_for
from edge.liveness import Liveness
from edge.recognition import Sighting
from edge.selection import Obstacle
from edge.vote import Identification, IdentificationOutcome
from messages import Advice, Feedback
from tests.edge.staging import TOPICS


def sighting(outcome: IdentificationOutcome | None = None, **changes) -> Sighting:
    identification = None if outcome is None else Identification(outcome, None, 0, 0.0, 0.5, 8)
    return Sighting(
        **{"tracks": frozenset({1}), "track_id": 1, "identification": identification, "liveness": Liveness.LIVE}
        | changes
    )


@pytest.mark.parametrize(
    ("seen", "advice"),
    [
        (Sighting(frozenset()), Advice.NOBODY),
        (sighting(), Advice.WAIT),
        (sighting(obstacle=Obstacle.TOO_FAR), Advice.COME_CLOSER),
        (sighting(obstacle=Obstacle.TURNED_AWAY), Advice.LOOK_HERE),
        (sighting(IdentificationOutcome.OPEN, covering=Covering.MASK), Advice.TAKE_OFF_MASK),
        (sighting(IdentificationOutcome.UNKNOWN, covering=Covering.GLASSES), Advice.TAKE_OFF_GLASSES),
        (sighting(IdentificationOutcome.UNKNOWN), Advice.USE_CARD),
        (sighting(IdentificationOutcome.AMBIGUOUS), Advice.USE_CARD),
        (sighting(IdentificationOutcome.PERSON), Advice.RECOGNISED),
        (sighting(IdentificationOutcome.PERSON, liveness=Liveness.OPEN), Advice.WAIT),
        (sighting(IdentificationOutcome.PERSON, liveness=Liveness.SPOOF), Advice.USE_CARD),
    ],
)
def test_what_the_person_in_front_is_told(seen, advice) -> None:
    assert advice_for(seen) is advice


def test_every_obstacle_has_its_advice() -> None:
    assert all(advice_for(sighting(obstacle=obstacle)) is not Advice.WAIT for obstacle in Obstacle)


class Spoken:
    def __init__(self) -> None:
        self.said: list[Feedback] = []

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        assert (topic, qos, retain) == (TOPICS.feedback, 0, False)
        self.said.append(Feedback.decode(payload))


def test_it_is_said_when_it_changes_and_a_person_who_keeps_the_mask_on_is_sent_to_the_card(clock) -> None:
    spoken = Spoken()
    publisher = FeedbackPublisher(spoken, TOPICS, clock, uncover_for=6.0)  # type: ignore[arg-type]
    masked = sighting(IdentificationOutcome.UNKNOWN, covering=Covering.MASK)
    for at, seen in enumerate([sighting(), *itertools.repeat(masked, 9), Sighting(frozenset())]):
        publisher.publish(seen, float(at))
    assert [one.advice for one in spoken.said] == [
        Advice.WAIT,
        Advice.TAKE_OFF_MASK,
        Advice.USE_CARD,
        Advice.NOBODY,
    ]


def test_three_of_five_looks_must_agree_on_what_covers_a_face() -> None:
    vote = CoveringVote()
    for found in (Covering.MASK, None, Covering.MASK):
        vote.cast(found)
    assert vote.standing is None
    vote.cast(Covering.MASK)
    assert vote.standing is Covering.MASK
    for _ in range(3):
        vote.cast(None)
    assert vote.standing is None
