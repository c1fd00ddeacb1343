"""From a verdict to a command: the face in front is asked about once for each passage, and what came of it reported."""

import threading
from collections.abc import Callable
from uuid import UUID

import numpy as np
import numpy.typing as npt

from access.decision import FaceResult
from access.reasons import Reason
from edge.camera.port import Frame
from edge.card_face_pairing import Presence
from edge.clock import Clock
from edge.decider import Decider, Ruling
from edge.event_recorder import Detail, Journal
from edge.liveness import Liveness
from edge.metrics import Metrics
from edge.opener import NO_ANSWER, Answer, CannotAskError, Opener, Result
from edge.passage import Passages
from edge.recognition import Sighting
from edge.vote import Outcome
from messages import Action, Event, EventKind, Method
from models.box import Box

_UNRECOGNISED = {Reason.UNKNOWN_FACE.value, Reason.AMBIGUOUS_FACE.value}
_REFUSED = {Outcome.UNKNOWN: FaceResult.UNKNOWN, Outcome.AMBIGUOUS: FaceResult.AMBIGUOUS}


KeepPicture = Callable[[UUID, npt.NDArray[np.uint8], Box], None]
"""Keeps the part of an RGB picture around a box, for the event of that id."""


class Admission:
    """Decides about faces. `consider` is called by one thread; answers come on another."""

    def __init__(
        self,
        *,
        judge: Decider,
        opener: Opener,
        passages: Passages,
        presence: Presence,
        journal: Journal,
        metrics: Metrics,
        clock: Clock,
        model_id: str,
        spoof_pause: float = 0.0,
        keep_picture: KeepPicture | None = None,
    ) -> None:
        self._judge = judge
        self._opener = opener
        self._passages = passages
        self._presence = presence
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._model_id = model_id
        self._keep_picture = keep_picture
        self._spoof_pause = spoof_pause
        self._claimed: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self._reported: dict[int, set[str]] = {}

    def consider(self, sighting: Sighting, frame: Frame) -> None:
        """Act on what one frame said."""
        with self._lock:
            self._passages.seen(sighting.tracks, frame.arrived)
        self._presence.saw(sighting, frame.arrived)
        self._reported = {track: said for track, said in self._reported.items() if track in sighting.tracks}
        if sighting.obstacle is not None:
            self._metrics.obstacles.labels(sighting.obstacle.value).inc()
        if sighting.voted:
            self._metrics.votes.inc()
        verdict = sighting.verdict
        if verdict is None or sighting.track_id is None:
            return
        if sighting.liveness is Liveness.SPOOF:
            if verdict.person_id is not None:
                self._claimed[verdict.person_id] = frame.arrived
            self._refuse_once(sighting, FaceResult.SPOOF, frame)
        elif verdict.outcome is Outcome.PERSON and sighting.liveness is Liveness.LIVE:
            if verdict.person_id is not None and not self._was_just_claimed(verdict.person_id, frame.arrived):
                self._ask(sighting, verdict.person_id, frame)
        elif verdict.outcome in _REFUSED:
            self._refuse_once(sighting, _REFUSED[verdict.outcome], frame)

    def card_opened(self, person_id: UUID, at: float) -> None:
        """Note that somebody was let in by a card or by another edge: their face, seen now, belongs to that passage."""
        with self._lock:
            self._passages.begin(person_id, 0, at)

    def _was_just_claimed(self, person_id: UUID, at: float) -> bool:
        """Return whether a picture of this person was held up a moment ago."""
        return at - self._claimed.get(person_id, float("-inf")) < self._spoof_pause

    def _ask(self, sighting: Sighting, person_id: UUID, frame: Frame) -> None:
        assert sighting.track_id is not None  # noqa: S101 - `consider` has seen to it
        with self._lock:
            begun = self._passages.begin(person_id, sighting.track_id, frame.arrived)
        if not begun:
            return
        card = self._presence.card_of(person_id, frame.arrived)
        ruling = self._judge.face(FaceResult.MATCHED, person_id, card=card)
        decided = self._clock.monotonic()
        self._metrics.asked.labels(Method.FACE.value, ruling.reason).inc()
        self._metrics.decision.observe(decided - frame.arrived)
        details = self._details(sighting)
        details["decided_ms"] = _milliseconds(decided - frame.arrived)
        if not ruling.granted:
            self._refused(EventKind.FACE_REFUSED, ruling.reason, person_id, details)
            return
        self._open(ruling, person_id, frame.arrived, details)

    def _open(self, ruling: Ruling, person_id: UUID, arrived: float, details: dict[str, Detail]) -> None:
        def answered(answer: Answer) -> None:
            self._report(answer, person_id, ruling.reason, arrived, details)

        try:
            self._opener.ask(
                Action.OPEN,
                method=Method.FACE,
                reason=ruling.reason,
                person_id=person_id,
                extended=ruling.extended,
                notices=ruling.notices,
                on_answer=answered,
                seen=arrived,
            )
        except CannotAskError as error:
            self._refused(EventKind.FACE_REFUSED, error.reason, person_id, details)

    def _report(self, answer: Answer, person_id: UUID, reason: str, arrived: float, details: dict[str, Detail]) -> None:
        self._metrics.commands.labels(answer.result.value).inc()
        self._metrics.command.observe(answer.sent - arrived)
        details = {**details, "sent_ms": _milliseconds(answer.sent - arrived)}
        if answer.result is not Result.ACCEPTED:
            refusal = NO_ANSWER if answer.refusal is None else str(answer.refusal)
            self._refused(EventKind.FACE_REFUSED, refusal, person_id, details, answer.command_id)
            return
        details["answered_ms"] = _milliseconds(answer.answered - arrived)
        details["latency_to"] = "acknowledgement" if answer.energised is None else "relay"
        end = answer.answered if answer.energised is None else answer.energised
        self._metrics.relay.observe(end - arrived)
        self._journal.note(
            EventKind.FACE_GRANTED,
            reason=reason,
            person_id=person_id,
            method=Method.FACE,
            granted=True,
            latency_ms=(end - arrived) * 1000,
            command_id=answer.command_id,
            details=details,
        )

    def _refuse_once(self, sighting: Sighting, result: FaceResult, frame: Frame) -> None:
        """Report a face that is nobody's, or no face, once for each track and finding; no command follows from it."""
        assert sighting.track_id is not None  # noqa: S101 - `consider` has seen to it
        said = self._reported.setdefault(sighting.track_id, set())
        covering = None if result is FaceResult.SPOOF else sighting.covering
        finding = result.value if covering is None else covering.value
        if finding in said:
            return
        said.add(finding)
        ruling = self._judge.face(result)
        said_reason = ruling.reason
        if covering is not None and ruling.reason in _UNRECOGNISED:
            said_reason = covering.value
        self._metrics.asked.labels(Method.FACE.value, said_reason).inc()
        spoof = result is FaceResult.SPOOF
        # The person whose picture was shown is no suspect, but should hear of it.
        claimed = sighting.verdict.person_id if spoof and sighting.verdict is not None else None
        kind = EventKind.SPOOF if spoof else EventKind.FACE_REFUSED
        reason = Reason.SPOOF.value if spoof else said_reason
        details = self._details(sighting)
        keep = self._keep_picture if spoof and sighting.face is not None else None
        if keep is not None:
            details["picture_kept"] = True
        event = self._refused(kind, reason, claimed, details)
        if keep is not None and sighting.face is not None:
            keep(event.id, frame.image, sighting.face.box)

    def _refused(
        self,
        kind: EventKind,
        reason: str,
        person_id: UUID | None,
        details: dict[str, Detail],
        command_id: UUID | None = None,
    ) -> Event:
        return self._journal.note(
            kind,
            reason=reason,
            person_id=person_id,
            method=Method.FACE,
            granted=False,
            command_id=command_id,
            details=details,
        )

    def _details(self, sighting: Sighting) -> dict[str, Detail]:
        details: dict[str, Detail] = {"model": self._model_id}
        if sighting.verdict is not None:
            details["score"] = round(sighting.verdict.score, 4)
            details["frames"] = sighting.verdict.frames
            details["support"] = sighting.verdict.support
        if sighting.match is not None:
            details["margin"] = round(sighting.match.margin, 4)
            details["second"] = round(sighting.match.runner_up, 4)
        if sighting.liveness_score is not None:
            details["liveness"] = round(sighting.liveness_score, 4)
        if sighting.told_by is not None:
            details["told_by"] = sighting.told_by.value
        return details


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
