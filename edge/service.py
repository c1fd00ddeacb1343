"""One edge at work: its threads, what they share, and how they end."""

import threading
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import structlog

from access.reasons import Reason
from bus.errors import NotConnectedError, SubscriptionRefusedError
from bus.port import Bus
from edge.alarm_pictures import AlarmPictures
from edge.camera import Feed, FeedReport, FeedStatus
from edge.camera_report import CameraReporter
from edge.command_sender import CommandSender
from edge.event_recorder import Detail, EventRecorder
from edge.frame_loop import FrameLoop
from edge.gallery import SearchSource
from edge.health import HealthReporter, availability
from edge.passage_listener import PassageListener
from edge.probe_sender import ProbeSender
from edge.search import Search
from edge.tap_responder import TapResponder
from messages import (
    KEPT_IN_MEMORY,
    Availability,
    Clock,
    Event,
    EventKind,
    GateTopics,
    ProcessStatus,
    TwinWatch,
    UnwrittenWatch,
    decoding_handler,
)

_log = structlog.get_logger()

_TICK_S = 0.05
_FRAME_WAIT_S = 0.2
_HEALTH_EVERY_S = 10.0
_HERE_EVERY_S = 30.0
"""What a broker retains may be lost with it, or a late will may have taken its place."""


class Sync(Protocol):
    """Keeps the directory in step; `access.replica.DirectorySync` is one."""

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Work until `stop` is set; ask at once when `wake` is set."""
        ...


class EdgeService:
    """Three threads (camera, frames, housekeeping); more for directory (`sync`), second photos and pictures of alarms.

    The parts are made by `edge.assembly.assemble`. The connection is started and stopped by who made it: before
    `start` or after makes no difference, for everything here works without a broker, only it opens nothing.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        topics: GateTopics,
        boot_id: UUID,
        feed: Feed,
        frame_loop: FrameLoop,
        searches: SearchSource,
        commands: CommandSender,
        tap_responder: TapResponder,
        passages: PassageListener,
        reporter: CameraReporter,
        health: HealthReporter,
        events: EventRecorder,
        clock: Clock,
        model_refused: Callable[[], bool],
        unwritten: UnwrittenWatch,
        sync: Sync | None = None,
        probes: ProbeSender | None = None,
        alarm_pictures: AlarmPictures | None = None,
    ) -> None:
        self._bus = bus
        self._topics = topics
        self._boot_id = boot_id
        self._feed = feed
        self._frame_loop = frame_loop
        self._searches = searches
        self._commands = commands
        self._tap_responder = tap_responder
        self._passages = passages
        self._reporter = reporter
        self._health = health
        self._events = events
        self._clock = clock
        self._model_refused = model_refused
        self._unwritten = unwritten
        self._sync = sync
        self._probes = probes
        self._alarm_pictures = alarm_pictures
        self._twins = TwinWatch(boot_id)
        self._connections = 0
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._mismatch_reported = False
        self._health_at = float("-inf")
        self._here_at = clock.monotonic()
        self._published_state: tuple[FeedStatus, Search | None] | None = None
        """What the board should show at once: whether the camera runs, and which directory is searched."""
        self._threads: list[threading.Thread] = []
        self.on_frame_turn: Callable[[], None] = lambda: None
        """Called at each turn of the frame loop, also where no frame came; for the rim to set."""
        self.on_tick: Callable[[], None] = lambda: None
        """Called at each turn of the housekeeping; for the rim to set."""

    def start(self) -> None:
        """Subscribe and start the threads; returns at once."""
        self._commands.listen()
        self._bus.subscribe(self._topics.taps, self._tap_responder.handle)
        try:
            self._bus.subscribe(
                self._topics.events, decoding_handler(Event, self._on_event, malformed="event_unreadable")
            )
        except SubscriptionRefusedError as error:
            _log.warning("passes_not_heard", error=str(error))
        try:
            self._bus.subscribe(
                self._topics.edge_availability,
                decoding_handler(Availability, self._on_own_availability, malformed="availability_unreadable"),
            )
        except SubscriptionRefusedError as error:
            _log.warning("own_name_not_heard", error=str(error))
        self._bus.subscribe(self._topics.directory, self._on_hint)
        self._bus.on_connect(self._publish_online)
        self._searches.refresh()
        self._feed.start()
        self._run("frames", self._process_frames)
        self._run("housekeeping", self._run_housekeeping)
        if self._sync is not None:
            sync = self._sync
            self._run("directory", lambda: sync.run(self._stop, self._wake))
        if self._probes is not None:
            probes = self._probes
            self._run("probes", lambda: probes.run(self._stop))
        if self._alarm_pictures is not None:
            pictures = self._alarm_pictures
            self._run("alarm-pictures", lambda: pictures.run(self._stop))

    def stop(self) -> None:
        """End the threads; the connection and the files stay open."""
        self._stop.set()
        self._wake.set()
        self._feed.stop()
        for thread in self._threads:
            thread.join(timeout=5.0)

    @property
    def camera(self) -> FeedReport:
        """Where the connection to the camera stands."""
        return self._feed.report()

    def tick(self) -> None:
        """Do the housekeeping that is due: the directory's changes, commands without answer, camera, health."""
        self._searches.refresh()
        self._commands.expire()
        now = self._clock.monotonic()
        self._reporter.report_connection(self._feed.report(), now)
        self._report_mismatch()
        for name in self._unwritten.find_begun(now):
            self._events.record(EventKind.STORAGE_FAULT, reason=KEPT_IN_MEMORY, details={"file": name, "lost": ""})
        state = (self._feed.report().status, self._searches.current)
        if now - self._health_at >= _HEALTH_EVERY_S or state != self._published_state:
            self._health_at, self._published_state = now, state
            self._health.publish()
        if now - self._here_at >= _HERE_EVERY_S:
            self._say_here()

    def _report_mismatch(self) -> None:
        mismatch = self._searches.mismatch is not None or self._model_refused()
        if mismatch and not self._mismatch_reported:
            details: dict[str, Detail] = {"directory": self._searches.mismatch}
            self._events.record(EventKind.MODEL_MISMATCH, reason=Reason.MODEL_MISMATCH.value, details=details)
        self._mismatch_reported = mismatch

    def _on_event(self, event: Event, retained: bool) -> None:
        self._passages.handle(event, retained)
        if self._alarm_pictures is not None and event.gate == self._topics.gate:
            self._alarm_pictures.handle(event)

    def _on_hint(self, _topic: str, _payload: bytes, _retained: bool) -> None:
        # What it says does not matter: the server is asked, over its own authenticated line.
        self._wake.set()

    def _on_own_availability(self, message: Availability, retained: bool) -> None:
        if self._twins.heard(message, retained=retained, connections=self._connections):
            _log.error("another_edge_answers_for_this_gate", boot_id=str(message.boot_id))
            details: dict[str, Detail] = {"boot_id": str(self._boot_id), "other_boot_id": str(message.boot_id)}
            self._events.record(EventKind.CLONED_CARD, reason="edge", details=details)
        if message.status is ProcessStatus.OFFLINE:
            # The will of an earlier connection or life came late, or another one went that bore our name.
            self._say_here()

    def _publish_online(self) -> None:
        self._connections += 1
        # A hint may have been missed while there was no connection.
        self._wake.set()
        self._say_here()
        self._health.publish()

    def _say_here(self) -> None:
        self._here_at, number = self._clock.monotonic(), self._bus.connection_number
        message = availability(self._topics, self._boot_id, ProcessStatus.ONLINE, self._clock.now(), connection=number)
        try:
            self._bus.publish(message.topic, message.payload, qos=1, retain=True)
        except NotConnectedError:
            _log.debug("not_said_without_a_broker")

    def _process_frames(self) -> None:
        while not self._stop.is_set():
            self.on_frame_turn()
            if not self._frame_loop.process_next(self._feed, _FRAME_WAIT_S) and self.camera.status is FeedStatus.ENDED:
                # Nothing is waited for any more where a recording has ended.
                self._stop.wait(_FRAME_WAIT_S)

    def _run_housekeeping(self) -> None:
        while not self._stop.wait(_TICK_S):
            self.on_tick()
            try:
                self.tick()
            except Exception:  # noqa: BLE001 - the next tick tries again; a dead thread never would
                _log.exception("housekeeping_failed")

    def _run(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
