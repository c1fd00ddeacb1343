"""From an identification to a command: a face is decided about once for each passage, and what came of it recorded."""

import threading
from collections.abc import Callable
from uuid import UUID

import numpy as np
import numpy.typing as npt

from access.decision import Decision, FaceResult
from access.reasons import Reason
from edge.camera.port import Frame
from edge.card_face_pairing import CardFacePairing
from edge.command_sender import CommandSender
from edge.decider import Decider
from edge.event_recorder import Detail, EventRecorder
from edge.liveness import Liveness
from edge.metrics import Metrics
from edge.ongoing_passages import OngoingPassages
from edge.probe_sender import ProbeSender
from edge.recognition import Sighting
from edge.vote import IdentificationOutcome
from messages import Action, Clock, CommandEffect, Event, EventKind, Method
from messages.command_client import Answer, NotSentError
from models.box import Box

_UNRECOGNISED = {Reason.UNKNOWN_FACE, Reason.AMBIGUOUS_FACE}
_REFUSED = {IdentificationOutcome.UNKNOWN: FaceResult.UNKNOWN, IdentificationOutcome.AMBIGUOUS: FaceResult.AMBIGUOUS}

KeepPicture = Callable[[UUID, npt.NDArray[np.uint8], Box], None]
"""Keeps the part of an RGB picture around a box, for the event of that id."""


class FaceHandler:
    """Decides about faces. `handle` is called by one thread; answers come on another."""

    def __init__(
        self,
        *,
        decider: Decider,
        commands: CommandSender,
        passages: OngoingPassages,
        pairing: CardFacePairing,
        events: EventRecorder,
        metrics: Metrics,
        clock: Clock,
        spoof_pause: float = 0.0,
        keep_picture: KeepPicture | None = None,
        probes: ProbeSender | None = None,
    ) -> None:
        self._decider = decider
        self._commands = commands
        self._passages = passages
        self._pairing = pairing
        self._events = events
        self._metrics = metrics
        self._clock = clock
        self._keep_picture = keep_picture
        self._probes = probes
        self._spoof_pause = spoof_pause
        self._spoofed_at: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self._reported: dict[int, set[str]] = {}

    def handle(self, sighting: Sighting, frame: Frame) -> None:
        """Act on what one frame said."""
        with self._lock:
            self._passages.record_tracks(sighting.tracks, frame.arrived)
        self._pairing.record_face(sighting, frame.arrived)
        if self._probes is not None:
            self._probes.observe(sighting, frame)
        self._reported = {track: found for track, found in self._reported.items() if track in sighting.tracks}
        if sighting.obstacle is not None:
            self._metrics.obstacles.labels(sighting.obstacle.value).inc()
        if sighting.voted:
            self._metrics.votes.inc()
        identification = sighting.identification
        if identification is None or sighting.track_id is None:
            return
        person_id = identification.person_id
        if sighting.liveness is Liveness.SPOOF:
            if person_id is not None:
                self._spoofed_at[person_id] = frame.arrived
            self._refuse_once(sighting, FaceResult.SPOOF, frame)
        elif identification.outcome is IdentificationOutcome.PERSON and sighting.liveness is Liveness.LIVE:
            if person_id is not None and not self._was_just_spoofed(person_id, frame.arrived):
                self._request_passage(sighting, person_id, frame)
        elif identification.outcome in _REFUSED:
            self._refuse_once(sighting, _REFUSED[identification.outcome], frame)

    def begin_passage(self, person_id: UUID, at: float) -> None:
        """Record that a card or another edge let somebody in: their face, seen now, belongs to that passage."""
        with self._lock:
            self._passages.begin(person_id, 0, at)

    def _was_just_spoofed(self, person_id: UUID, at: float) -> bool:
        """Return whether a picture of this person was held up a moment ago."""
        return at - self._spoofed_at.get(person_id, float("-inf")) < self._spoof_pause

    def _request_passage(self, sighting: Sighting, person_id: UUID, frame: Frame) -> None:
        assert sighting.track_id is not None  # noqa: S101 - `handle` has seen to it
        with self._lock:
            begun = self._passages.begin(person_id, sighting.track_id, frame.arrived)
        if not begun:
            return
        card = self._pairing.claim_card(person_id, frame.arrived)
        decision = self._decider.decide_face(FaceResult.MATCHED, person_id, model_id=_model_of(sighting), card=card)
        decided = self._clock.monotonic()
        self._metrics.asked.labels(Method.FACE.value, decision.reason).inc()
        self._metrics.decision.observe(decided - frame.arrived)
        details = self._details_of(sighting)
        details["decided_ms"] = _milliseconds(decided - frame.arrived)
        if not decision.granted:
            self._record_refusal(EventKind.FACE_REFUSED, decision.reason, person_id, details)
            return
        self._open(decision, person_id, frame.arrived, details, with_card=card is not None)

    def _open(
        self, decision: Decision, person_id: UUID, arrived: float, details: dict[str, Detail], *, with_card: bool
    ) -> None:
        def record(answer: Answer) -> None:
            self._record_answer(answer, person_id, decision.reason, arrived, details)
            if with_card and self._probes is not None and answer.effect is CommandEffect.DONE:
                self._probes.offer(person_id, Method.CARD, arrived)

        try:
            self._commands.send(
                Action.OPEN,
                method=Method.FACE,
                reason=decision.reason,
                person_id=person_id,
                extended=decision.extended_time,
                notices=decision.notices,
                on_answer=record,
                seen_s=arrived,
            )
        except NotSentError as error:
            self._record_refusal(EventKind.FACE_REFUSED, error.reason.value, person_id, details)

    def _record_answer(
        self, answer: Answer, person_id: UUID, reason: str, arrived: float, details: dict[str, Detail]
    ) -> None:
        self._metrics.count_command(answer.effect)
        self._metrics.command.observe(answer.sent_s - arrived)
        details = {**details, "sent_ms": _milliseconds(answer.sent_s - arrived)}
        if answer.effect is not CommandEffect.DONE:
            self._record_refusal(EventKind.FACE_REFUSED, answer.code, person_id, details, answer.command_id)
            return
        details["answered_ms"] = _milliseconds(answer.answered_s - arrived)
        details["latency_to"] = "acknowledgement" if answer.energised_s is None else "relay"
        end = answer.answered_s if answer.energised_s is None else answer.energised_s
        self._metrics.relay.observe(end - arrived)
        self._events.record(
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
        """Record a face that is nobody's, or no face, once for each track and finding; no command follows from it."""
        assert sighting.track_id is not None  # noqa: S101 - `handle` has seen to it
        reported = self._reported.setdefault(sighting.track_id, set())
        spoof = result is FaceResult.SPOOF
        covering = None if spoof else sighting.covering
        finding = result.value if covering is None else covering.value
        if finding in reported:
            return
        reported.add(finding)
        reason: str = self._decider.decide_face(result).reason
        if covering is not None and reason in _UNRECOGNISED:
            reason = covering.value
        self._metrics.asked.labels(Method.FACE.value, reason).inc()
        if spoof:
            self._record_spoof(sighting, frame)
        else:
            self._record_refusal(EventKind.FACE_REFUSED, reason, None, self._details_of(sighting))

    def _record_spoof(self, sighting: Sighting, frame: Frame) -> None:
        # The person whose picture was shown is no suspect, but should hear of it.
        claimed = None if sighting.identification is None else sighting.identification.person_id
        details = self._details_of(sighting)
        if self._keep_picture is None or sighting.face is None:
            self._record_refusal(EventKind.SPOOF, Reason.SPOOF, claimed, details)
            return
        details["picture_kept"] = True
        event = self._record_refusal(EventKind.SPOOF, Reason.SPOOF, claimed, details)
        self._keep_picture(event.id, frame.image, sighting.face.box)

    def _record_refusal(
        self,
        kind: EventKind,
        reason: str,
        person_id: UUID | None,
        details: dict[str, Detail],
        command_id: UUID | None = None,
    ) -> Event:
        return self._events.record(
            kind,
            reason=reason,
            person_id=person_id,
            method=Method.FACE,
            granted=False,
            command_id=command_id,
            details=details,
        )

    def _details_of(self, sighting: Sighting) -> dict[str, Detail]:
        details: dict[str, Detail] = {"model": _model_of(sighting)}
        if sighting.identification is not None:
            details["score"] = round(sighting.identification.score, 4)
            details["frames"] = sighting.identification.frames
            details["support"] = sighting.identification.support
        if sighting.match is not None and sighting.match.model_id == details["model"]:
            details["margin"] = round(sighting.match.margin, 4)
            details["second"] = round(sighting.match.runner_up, 4)
        if sighting.liveness_score is not None:
            details["liveness"] = round(sighting.liveness_score, 4)
        if sighting.spoof_cue is not None:
            details["told_by"] = sighting.spoof_cue.value
        return details


def _model_of(sighting: Sighting) -> str | None:
    """Return the model of the score that a sighting's vote stands at."""
    return None if sighting.identification is None else sighting.identification.model_id


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
