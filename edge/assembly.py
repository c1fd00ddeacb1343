"""Putting an edge together from what it is given and its policy."""

from dataclasses import dataclass
from functools import cached_property

from edge.camera import ConditionWatch, Feed
from edge.camera_report import CameraReporter
from edge.card_face_pairing import CardFacePairing
from edge.command_sender import CommandSender
from edge.decider import Decider
from edge.dependencies import Environment, Gate, Vision
from edge.event_recorder import EventRecorder
from edge.face_handler import FaceHandler
from edge.feedback import FeedbackPublisher
from edge.frame_loop import FrameLoop
from edge.gallery import SearchSource, Threshold, require_runnable, same_person_for, threshold_for
from edge.health import HealthReporter
from edge.liveness import LivenessPolicy
from edge.ongoing_passages import OngoingPassages
from edge.orientation import OrientationWatch
from edge.outbox import EventOutbox
from edge.passage_listener import PassageListener
from edge.policy import EdgePolicy
from edge.probe_sender import ProbeSender
from edge.recognition import Recogniser
from edge.service import EdgeService
from edge.spoof_cues import TrackCues
from edge.tap_responder import TapResponder
from messages import Clock, SystemClock


def assemble(
    gate: Gate,
    vision: Vision,
    policy: EdgePolicy | None = None,
    *,
    environment: Environment | None = None,
    clock: Clock | None = None,
) -> EdgeService:
    """Return an edge that is ready to start.

    Raises:
        ValueError: the engine's model was never calibrated and no threshold is given, or the policy's calibration is
            of a model that cannot be run.
    """
    policy = policy or EdgePolicy()
    require_runnable(policy.calibration, vision.engines)
    return _Parts(gate, vision, policy, environment or Environment(), clock or SystemClock()).service


@dataclass(frozen=True)
class _Parts:
    """The parts of one edge, each made when the first other part asks for it."""

    gate: Gate
    vision: Vision
    policy: EdgePolicy
    environment: Environment
    clock: Clock

    @cached_property
    def events(self) -> EventRecorder:
        return EventRecorder(self.gate.topics.gate, EventOutbox(self.gate.outbox, self.gate.topics), self.clock)

    @cached_property
    def searches(self) -> SearchSource:
        self._threshold_of(self.vision.engines.first.model_id)  # refuses at the start what cannot be calibrated
        return SearchSource(self.gate.directory, self.vision.engines, threshold=self._threshold_of)

    def _threshold_of(self, model_id: str) -> Threshold:
        return self.vision.threshold or threshold_for(model_id, self.policy.fpir, self.policy.calibration)

    @cached_property
    def commands(self) -> CommandSender:
        gate = self.gate
        return CommandSender(
            gate.bus,
            gate.topics,
            gate.signer,
            gate.controller_keys,
            self.clock,
            ttl_ms=self.policy.command_ttl_ms,
        )

    @cached_property
    def decider(self) -> Decider:
        return Decider(
            self.gate.directory,
            self.gate.passage_log,
            self.clock,
            direction=self.policy.direction,
        )

    @cached_property
    def pairing(self) -> CardFacePairing:
        return CardFacePairing(same_person=self.vision.engines.same_person)

    @cached_property
    def probes(self) -> ProbeSender | None:
        server = self.environment.probe_server
        if server is None:
            return None
        return ProbeSender(server, self.vision.engines, self.gate.directory, self.clock, gate=self.gate.topics.gate)

    @cached_property
    def face_handler(self) -> FaceHandler:
        return FaceHandler(
            decider=self.decider,
            commands=self.commands,
            passages=OngoingPassages(self.policy.passage),
            pairing=self.pairing,
            events=self.events,
            metrics=self.environment.metrics,
            clock=self.clock,
            spoof_pause=self.policy.recognition.liveness.pause,
            keep_picture=self.vision.keep_picture,
            probes=self.probes,
        )

    @cached_property
    def tap_responder(self) -> TapResponder:
        return TapResponder(
            topics=self.gate.topics,
            decider=self.decider,
            commands=self.commands,
            pairing=self.pairing,
            metrics=self.environment.metrics,
            clock=self.clock,
            on_granted=self.face_handler.begin_passage,
            probes=self.probes,
        )

    @cached_property
    def feed(self) -> Feed:
        return Feed(self.vision.camera, reconnect=self.policy.reconnect)

    @cached_property
    def reporter(self) -> CameraReporter:
        return CameraReporter(self.events)

    @cached_property
    def recogniser(self) -> Recogniser:
        vision, liveness = self.vision, self.policy.recognition.liveness
        return Recogniser(
            vision.engines.first,
            self.policy.recognition,
            same_person=same_person_for,
            liveness=vision.liveness if liveness.networks else None,
            covering=vision.covering,
            cues=TrackCues if liveness.cues else None,
        )

    @cached_property
    def frame_loop(self) -> FrameLoop:
        return FrameLoop(
            recogniser=self.recogniser,
            searches=self.searches,
            face_handler=self.face_handler,
            reporter=self.reporter,
            feedback=FeedbackPublisher(self.gate.bus, self.gate.topics, self.clock),
            metrics=self.environment.metrics,
            clock=self.clock,
            orientation=OrientationWatch(self.vision.engines.first, self.policy.mounting),
            conditions=ConditionWatch(self.policy.condition),
            watch_freezing=self.vision.camera.live,
            alarm_pictures=self.environment.alarm_pictures,
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
            commands=self.commands,
            metrics=self.environment.metrics,
            clock=self.clock,
            engines=self.vision.engines,
            models_wanted=self.environment.models_wanted,
            liveness_by=_liveness_by(self.vision, self.policy.recognition.liveness),
            waiting_events=lambda: len(self.gate.outbox),
            sync_error=self.environment.sync_error,
            frames_seen=lambda: self.frame_loop.frames_seen,
            machine=self.environment.machine,
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
            frame_loop=self.frame_loop,
            searches=self.searches,
            commands=self.commands,
            tap_responder=self.tap_responder,
            passages=PassageListener(
                gate.passage_log,
                gate.directory,
                gate.topics.gate,
                self.policy.direction,
                on_granted=lambda person: self.face_handler.begin_passage(person, self.clock.monotonic()),
            ),
            reporter=self.reporter,
            health=self.health,
            events=self.events,
            clock=self.clock,
            model_refused=self.environment.model_refused,
            unwritten=self.environment.unwritten,
            sync=self.environment.sync,
            probes=self.probes,
            alarm_pictures=self.environment.alarm_pictures,
        )


def _liveness_by(vision: Vision, policy: LivenessPolicy) -> str:
    if vision.liveness is not None and policy.networks:
        return ", ".join(vision.liveness_networks)
    return "cues_alone" if policy.cues else "nobody"
