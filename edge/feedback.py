"""What a screen at the gate should tell the person in front: published when it changes, and never kept.

Nothing follows from it. It names nobody: others can read it.
"""

from bus.errors import NotConnectedError
from bus.port import Bus
from edge.covering import Covering
from edge.liveness import Liveness
from edge.recognition import Sighting
from edge.selection import Obstacle
from edge.vote import IdentificationOutcome
from messages import Advice, Clock, Feedback, GateTopics

_REMEDIES = {
    Obstacle.TOO_FAR: Advice.COME_CLOSER,
    Obstacle.TURNED_AWAY: Advice.LOOK_HERE,
    Obstacle.BLURRED: Advice.STAND_STILL,
    Obstacle.TOO_DARK: Advice.MORE_LIGHT,
    Obstacle.TOO_BRIGHT: Advice.LESS_LIGHT,
    Obstacle.UNCERTAIN: Advice.LOOK_HERE,
}
_TAKE_OFF = {Covering.MASK: Advice.TAKE_OFF_MASK, Covering.GLASSES: Advice.TAKE_OFF_GLASSES}


def advice_for(sighting: Sighting) -> Advice:
    """Return what to tell the person in front.

    Whoever is not recognised is sent to the card, the one way that always works; to a face that is covered that is said
    only after it was asked to uncover itself. A picture is told nothing that would help it.
    """
    if sighting.track_id is None:
        return Advice.NOBODY
    outcome = None if sighting.identification is None else sighting.identification.outcome
    if sighting.liveness is Liveness.SPOOF:
        return Advice.USE_CARD
    if outcome is IdentificationOutcome.PERSON:
        return Advice.RECOGNISED if sighting.liveness is Liveness.LIVE else Advice.WAIT
    if sighting.covering is not None:
        return _TAKE_OFF[sighting.covering]
    if sighting.obstacle is not None:
        return _REMEDIES[sighting.obstacle]
    unidentified = outcome in {IdentificationOutcome.UNKNOWN, IdentificationOutcome.AMBIGUOUS}
    return Advice.USE_CARD if unidentified else Advice.WAIT


class FeedbackPublisher:
    """Publishes the advice of one gate."""

    def __init__(self, bus: Bus, topics: GateTopics, clock: Clock, *, uncover_for: float = 6.0) -> None:
        """After `uncover_for` seconds of being asked to uncover the face, a person is sent to the card."""
        self._bus = bus
        self._topics = topics
        self._clock = clock
        self._uncover_for = uncover_for
        self._published = Advice.NOBODY
        self._asked: tuple[int, float] | None = None
        """The track that was asked to uncover its face, and since when."""

    def publish(self, sighting: Sighting, at: float) -> None:
        """Publish the advice that follows from a frame of the monotonic second `at`, where it is another than before.

        Without a connection nothing is published: the next change is.
        """
        advice = self._give_up_asking(sighting, advice_for(sighting), at)
        if advice is self._published:
            return
        self._published = advice
        message = Feedback(gate=self._topics.gate, at=self._clock.now(), advice=advice)
        try:
            self._bus.publish(self._topics.feedback, message.encode(), qos=0)
        except NotConnectedError:
            return

    def _give_up_asking(self, sighting: Sighting, advice: Advice, at: float) -> Advice:
        if sighting.track_id is None or advice not in _TAKE_OFF.values():
            return advice
        if self._asked is None or self._asked[0] != sighting.track_id:
            self._asked = sighting.track_id, at
        return Advice.USE_CARD if at - self._asked[1] >= self._uncover_for else advice
