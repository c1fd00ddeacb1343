"""Putting an edge together from its parts and its policies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID

from access.pass_book import PassBook
from access.policy import Direction
from bus.outbox import Outbox
from edge.admission import Admission, KeepPicture
from edge.camera import Backoff, Camera, ConditionLimits, ConditionWatch, Feed
from edge.camera_report import CameraReporter
from edge.clock import Clock, SystemClock
from edge.covering import CoveringMeasure
from edge.eyes import Eyes
from edge.feedback import FeedbackReporter
from edge.gallery import Directory, SearchSource, SiteCalibration, Threshold, same_person_for, threshold_for
from edge.health import Figure, HealthReporter
from edge.journal import Journal
from edge.judgement import Judge
from edge.liveness import LivenessScorer
from edge.metrics import Metrics
from edge.opener import Bus, Opener
from edge.outbox import EventOutbox
from edge.passage import PassagePolicy, Passages
from edge.passes import PassListener
from edge.presence import Presence
from edge.recognition import Engine, Recogniser, RecognitionPolicy
from edge.service import EdgeService, Sync
from edge.spoof_cues import TrackCues
from edge.taps import TapDesk
from gate_controller.messages import GateTopics, Signer, TrustedKey
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


@dataclass(frozen=True, slots=True)
class SpoofPicturePolicy:
    """Whether a picture of a false face is kept, for how many days, and how many at most."""

    keep: bool = False
    days: int = 7
    most: int = 200

    def __post_init__(self) -> None:
        if not (1 <= self.days <= 90 and 1 <= self.most <= 10_000):
            raise ValueError("pictures of false faces are kept for 1 to 90 days, and 1 to 10,000 of them")


@dataclass(frozen=True, slots=True)
class EdgePolicy:
    """Everything that can be tuned at one gate.

    Attributes:
        fpir: the rate at which a stranger's single frame may match somebody; the vote makes it rarer still.
        calibration: measured on this campus (`campusgate faces calibrate`); None: the model's own.
        command_ttl_ms: life of a command; after it no door opens any more.
        spoof_pictures: nothing is kept unless the campus says so here.
    """

    fpir: float = 0.01
    calibration: SiteCalibration | None = None
    command_ttl_ms: int = 3_000
    direction: Direction = Direction.ENTRY
    recognition: RecognitionPolicy = field(default_factory=RecognitionPolicy)
    passage: PassagePolicy = field(default_factory=PassagePolicy)
    condition: ConditionLimits = field(default_factory=ConditionLimits)
    reconnect: Backoff = field(default_factory=Backoff)
    spoof_pictures: SpoofPicturePolicy = field(default_factory=SpoofPicturePolicy)


def assemble(
    *,
    topics: GateTopics,
    boot_id: UUID,
    bus: Bus,
    camera: Camera,
    engine: GateEngine,
    directory: Directory,
    signer: Signer,
    controller_keys: Mapping[str, TrustedKey],
    outbox: Outbox,
    passes: PassBook | None = None,
    policy: EdgePolicy | None = None,
    liveness: LivenessScorer | None = None,
    covering: CoveringMeasure | None = None,
    keep_picture: KeepPicture | None = None,
    sync: Sync | None = None,
    sync_error: Callable[[], str | None] = lambda: None,
    model_refused: Callable[[], bool] = lambda: False,
    threshold: Threshold | None = None,
    machine: Callable[[], Mapping[str, Figure]] = dict,
    metrics: Metrics | None = None,
    clock: Clock | None = None,
) -> EdgeService:
    """Return an edge that is ready to start.

    Args:
        controller_keys: whose acknowledgements count.
        passes: who passed this zone; without it, it is known until the edge ends.
        liveness: the networks; without them only the cues speak against a face.
        covering: tells masks and dark glasses; without it nobody is asked to take them off.
        keep_picture: keeps what a false face showed; without it nothing is kept.
        sync_error, model_refused: what the synchronisation says of itself, for health and the mismatch event.
        threshold: instead of the calibrated one.
        machine: figures of the computer for health.

    Raises:
        ValueError: the engine's model was never calibrated and no `threshold` is given, or the policy's calibration is
            of another model.
    """
    policy, clock, metrics = policy or EdgePolicy(), clock or SystemClock(), metrics or Metrics()
    journal = Journal(topics.gate, EventOutbox(outbox, topics), clock)
    searches = SearchSource(
        directory,
        model_id=engine.model_id,
        dimension=engine.dimension,
        threshold=threshold or threshold_for(engine.model_id, policy.fpir, policy.calibration),
    )
    opener = Opener(bus, topics, signer, controller_keys, clock, ttl_ms=policy.command_ttl_ms)
    memory = passes or PassBook.in_memory()
    judge = Judge(directory, memory, clock, model_id=engine.model_id, direction=policy.direction)
    presence = Presence(same_person=engine.threshold("verification"))
    admission = Admission(
        judge=judge,
        opener=opener,
        passages=Passages(policy.passage),
        presence=presence,
        journal=journal,
        metrics=metrics,
        clock=clock,
        model_id=engine.model_id,
        spoof_pause=policy.recognition.liveness.pause,
        keep_picture=keep_picture,
    )
    taps = TapDesk(
        topics=topics,
        judge=judge,
        opener=opener,
        presence=presence,
        metrics=metrics,
        clock=clock,
        on_opened=admission.card_opened,
    )
    feed = Feed(camera, backoff=policy.reconnect)
    reporter = CameraReporter(journal)
    eyes = Eyes(
        recogniser=Recogniser(
            engine,
            _calibrated(policy.recognition, engine.model_id),
            liveness=liveness if policy.recognition.liveness.networks else None,
            covering=covering,
            cues=TrackCues if policy.recognition.liveness.cues else None,
        ),
        searches=searches,
        admission=admission,
        reporter=reporter,
        feedback=FeedbackReporter(bus, topics, clock),
        metrics=metrics,
        clock=clock,
        conditions=ConditionWatch(policy.condition),
        watch_freezing=camera.live,
    )
    health = HealthReporter(
        bus=bus,
        topics=topics,
        feed=feed,
        reporter=reporter,
        directory=directory,
        searches=searches,
        opener=opener,
        metrics=metrics,
        clock=clock,
        model_id=engine.model_id,
        waiting_events=lambda: len(outbox),
        sync_error=sync_error,
        frames_seen=lambda: eyes.frames_seen,
        machine=machine,
    )
    return EdgeService(
        bus=bus,
        topics=topics,
        boot_id=boot_id,
        feed=feed,
        eyes=eyes,
        searches=searches,
        opener=opener,
        taps=taps,
        passes=PassListener(memory, directory, topics.gate, policy.direction),
        reporter=reporter,
        health=health,
        journal=journal,
        clock=clock,
        model_refused=model_refused,
        sync=sync,
    )


def _calibrated(policy: RecognitionPolicy, model_id: str) -> RecognitionPolicy:
    if policy.track.same_person is not None:
        return policy
    return replace(policy, track=replace(policy.track, same_person=same_person_for(model_id)))
