"""The loop from frame to admission, for one camera."""

import structlog

from edge.admission import Admission
from edge.camera import Condition, ConditionWatch, Feed, Frame, look
from edge.camera_report import CameraReporter
from edge.clock import Clock
from edge.feedback import FeedbackReporter
from edge.gallery import SearchSource
from edge.metrics import Metrics
from edge.opener import STALE_S
from edge.recognition import Recogniser

_log = structlog.get_logger()

_LOOK_EVERY_S = 0.5


class Eyes:
    """Looks at one frame after the other; not safe for threads."""

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        searches: SearchSource,
        admission: Admission,
        reporter: CameraReporter,
        feedback: FeedbackReporter,
        metrics: Metrics,
        clock: Clock,
        conditions: ConditionWatch | None = None,
        watch_freezing: bool = True,
    ) -> None:
        """`watch_freezing` is for live cameras; a recording may show one picture for as long as it likes."""
        self._recogniser = recogniser
        self._searches = searches
        self._admission = admission
        self._reporter = reporter
        self._feedback = feedback
        self._metrics = metrics
        self._clock = clock
        self._conditions = conditions or ConditionWatch()
        self._watch_freezing = watch_freezing
        self._looked_at = float("-inf")
        self._frames_seen = 0

    @property
    def frames_seen(self) -> int:
        """How many frames recognition has looked at."""
        return self._frames_seen

    def attend(self, feed: Feed, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the newest frame and see it; return whether one came.

        A frame from before this process stood still shows people who may have left: it is passed over.
        """
        frame = feed.newest(timeout)
        if frame is None or self._clock.monotonic() - frame.arrived > STALE_S:
            return False
        self.see(frame)
        return True

    def see(self, frame: Frame) -> None:
        """Recognise and act. A frame that cannot be worked on is counted and passed over: the next may be better."""
        begun = self._clock.monotonic()
        try:
            sighting = self._recogniser.see(frame, self._searches.current)
            # A frozen camera shows somebody who may have left long ago.
            if self._reporter.condition is not Condition.FROZEN:
                self._admission.consider(sighting, frame)
            self._feedback.saw(sighting, frame.arrived)
        except Exception:  # noqa: BLE001 - one bad frame must not blind the gate
            _log.exception("frame_failed", frame=frame.sequence)
            self._metrics.frames_failed.inc()
        self._frames_seen += 1
        self._metrics.frames.inc()
        self._metrics.recognition.observe(self._clock.monotonic() - begun)
        if frame.arrived - self._looked_at >= _LOOK_EVERY_S:
            # After the decision, so that nobody waits for it.
            self._looked_at = frame.arrived
            condition = self._conditions.observe(look(frame.image), frame.arrived)
            if self._watch_freezing or condition is not Condition.FROZEN:
                self._reporter.view(condition)
