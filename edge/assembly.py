"""Putting an edge together from what it is given and its policy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol
from uuid import UUID

from access.passages.log import PassageLog
from bus.outbox import Outbox
from edge.admission import Admission, KeepPicture
from edge.camera import Camera, ConditionWatch, Feed
from edge.camera_report import CameraReporter
from edge.card_face_pairing import Presence
from edge.clock import Clock, SystemClock
from edge.covering import CoveringMeasure
from edge.decider import Decider
from edge.event_recorder import Journal
from edge.feedback import FeedbackReporter
from edge.frame_loop import FrameLoop
from edge.gallery import Directory, SearchSource, Threshold, same_person_for, threshold_for
from edge.health import Figure, HealthReporter
from edge.liveness import LivenessScorer
from edge.metrics import Metrics
from edge.opener import Bus, Opener
from edge.orientation import OrientationWatch
from edge.outbox import EventOutbox
from edge.passage import Passages
from edge.passage_listener import PassageListener
from edge.policy import EdgePolicy
from edge.recognition import Engine, Recogniser, RecognitionPolicy
from edge.service import EdgeService, Sync
from edge.spoof_cues import TrackCues
from edge.tap_responder import TapDesk
from messages import GateTopics, Signer, TrustedKey, UnwrittenWatch
from models.calibration import Purpose


class GateEngine(Engine, Protocol):
    """The engine with what it says of itself."""

    @property
    def model_id(self) -> str:
        """The model of its embeddings."""
        ...

    @property
    def dimension(self) -> int:
        """Their length."""
        ...

    def threshold(self, purpose: Purpose, gallery_size: int = 1) -> float:
        """Return the least similarity that counts as one person."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate that an edge serves: how to speak there, who is believed, and what is kept on its disk."""

    topics: GateTopics
    boot_id: UUID
    bus: Bus
    signer: Signer
    controller_keys: Mapping[str, TrustedKey]
    """Whose acknowledgements count."""
    directory: Directory
    outbox: Outbox
    passes: PassageLog = field(default_factory=PassageLog.in_memory)
    """Who passed this zone; by default it is known until the edge ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """What an edge sees with."""

    camera: Camera
    engine: GateEngine
    threshold: Threshold | None = None
    """Instead of the calibrated one."""
    liveness: LivenessScorer | None = None
    """The networks; without them only the cues speak against a face."""
    covering: CoveringMeasure | None = None
    """Tells masks and dark glasses; without it nobody is asked to take them off."""
    keep_picture: KeepPicture | None = None
    """Keeps what a false face showed; without it nothing is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What runs beside an edge: the synchronisation and what it says of itself, the computer, metrics, files."""

    sync: Sync | None = None
    sync_error: Callable[[], str | None] = lambda: None
    model_refused: Callable[[], bool] = lambda: False
    machine: Callable[[], Mapping[str, Figure]] = dict
    metrics: Metrics = field(default_factory=Metrics)
    unwritten: UnwrittenWatch = field(default_factory=lambda: UnwrittenWatch({}))


def assemble(
    gate: Gate,
    senses: Senses,
    policy: EdgePolicy | None = None,
    *,
    surroundings: Surroundings | None = None,
    clock: Clock | None = None,
) -> EdgeService:
    """Return an edge that is ready to start.

    Raises:
        ValueError: the engine's model was never calibrated and no threshold is given, or the policy's calibration is
            of another model.
    """
    return _Parts(gate, senses, policy or EdgePolicy(), surroundings or Surroundings(), clock or SystemClock()).service


@dataclass(frozen=True)
class _Parts:
    """The parts of one edge, each made when the first other part asks for it."""

    gate: Gate
    senses: Senses
    policy: EdgePolicy
    surroundings: Surroundings
    clock: Clock

    @cached_property
    def journal(self) -> Journal:
        return Journal(self.gate.topics.gate, EventOutbox(self.gate.outbox, self.gate.topics), self.clock)

    @cached_property
    def searches(self) -> SearchSource:
        model_id = self.senses.engine.model_id
        return SearchSource(
            self.gate.directory,
            model_id=model_id,
            dimension=self.senses.engine.dimension,
            threshold=self.senses.threshold or threshold_for(model_id, self.policy.fpir, self.policy.calibration),
        )

    @cached_property
    def opener(self) -> Opener:
        gate = self.gate
        return Opener(
            gate.bus,
            gate.topics,
            gate.signer,
            gate.controller_keys,
            self.clock,
            ttl_ms=self.policy.command_ttl_ms,
        )

    @cached_property
    def judge(self) -> Decider:
        return Decider(
            self.gate.directory,
            self.gate.passes,
            self.clock,
            model_id=self.senses.engine.model_id,
            direction=self.policy.direction,
        )

    @cached_property
    def presence(self) -> Presence:
        return Presence(same_person=self.senses.engine.threshold("verification"))

    @cached_property
    def admission(self) -> Admission:
        return Admission(
            judge=self.judge,
            opener=self.opener,
            passages=Passages(self.policy.passage),
            presence=self.presence,
            journal=self.journal,
            metrics=self.surroundings.metrics,
            clock=self.clock,
            model_id=self.senses.engine.model_id,
            spoof_pause=self.policy.recognition.liveness.pause,
            keep_picture=self.senses.keep_picture,
        )

    @cached_property
    def taps(self) -> TapDesk:
        return TapDesk(
            topics=self.gate.topics,
            judge=self.judge,
            opener=self.opener,
            presence=self.presence,
            metrics=self.surroundings.metrics,
            clock=self.clock,
            on_opened=self.admission.card_opened,
        )

    @cached_property
    def feed(self) -> Feed:
        return Feed(self.senses.camera, backoff=self.policy.reconnect)

    @cached_property
    def reporter(self) -> CameraReporter:
        return CameraReporter(self.journal)

    @cached_property
    def recogniser(self) -> Recogniser:
        senses, liveness = self.senses, self.policy.recognition.liveness
        return Recogniser(
            senses.engine,
            _calibrated(self.policy.recognition, senses.engine.model_id),
            liveness=senses.liveness if liveness.networks else None,
            covering=senses.covering,
            cues=TrackCues if liveness.cues else None,
        )

    @cached_property
    def eyes(self) -> FrameLoop:
        return FrameLoop(
            recogniser=self.recogniser,
            searches=self.searches,
            admission=self.admission,
            reporter=self.reporter,
            feedback=FeedbackReporter(self.gate.bus, self.gate.topics, self.clock),
            metrics=self.surroundings.metrics,
            clock=self.clock,
            orientation=OrientationWatch(self.senses.engine, self.policy.mounting),
            conditions=ConditionWatch(self.policy.condition),
            watch_freezing=self.senses.camera.live,
        )

    @cached_property
    def health(self) -> HealthReporter:
        return HealthReporter(
            bus=self.gate.bus,
            topics=self.gate.topics,
            feed=self.feed,
            reporter=self.reporter,
            directory=self.gate.directory,
            searches=self.searches,
            opener=self.opener,
            metrics=self.surroundings.metrics,
            clock=self.clock,
            model_id=self.senses.engine.model_id,
            waiting_events=lambda: len(self.gate.outbox),
            sync_error=self.surroundings.sync_error,
            frames_seen=lambda: self.eyes.frames_seen,
            machine=self.surroundings.machine,
            boot_id=str(self.gate.boot_id),
        )

    @cached_property
    def service(self) -> EdgeService:
        gate = self.gate
        return EdgeService(
            bus=gate.bus,
            topics=gate.topics,
            boot_id=gate.boot_id,
            feed=self.feed,
            eyes=self.eyes,
            searches=self.searches,
            opener=self.opener,
            taps=self.taps,
            passes=PassageListener(
                gate.passes,
                gate.directory,
                gate.topics.gate,
                self.policy.direction,
                on_granted=lambda person: self.admission.card_opened(person, self.clock.monotonic()),
            ),
            reporter=self.reporter,
            health=self.health,
            journal=self.journal,
            clock=self.clock,
            model_refused=self.surroundings.model_refused,
            unwritten=self.surroundings.unwritten,
            sync=self.surroundings.sync,
        )


def _calibrated(policy: RecognitionPolicy, model_id: str) -> RecognitionPolicy:
    if policy.track.same_person is not None:
        return policy
    return replace(policy, track=replace(policy.track, same_person=same_person_for(model_id)))
