"""From each frame of one camera to what follows from it: a decision, feedback, a report on the camera's view."""

import numpy as np
import numpy.typing as npt
import structlog

from edge.alarm_pictures import AlarmPictures
from edge.camera import Condition, ConditionWatch, Feed, Frame, measure_view
from edge.camera_report import CameraReporter
from edge.command_sender import STALE_S
from edge.face_handler import FaceHandler
from edge.feedback import FeedbackPublisher
from edge.gallery import SearchSource
from edge.metrics import Metrics
from edge.orientation import OrientationWatch
from edge.recognition import Recogniser, Sighting
from messages import Clock

_log = structlog.get_logger()

_VIEW_EVERY_S = 0.5
_SAMPLE = 16
_STALE_AFTER_S = 1.0
"""How long one and the same picture may show somebody to whom something is said."""


class FrameLoop:
    """Processes one frame after the other; not safe for threads."""

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        searches: SearchSource,
        face_handler: FaceHandler,
        reporter: CameraReporter,
        feedback: FeedbackPublisher,
        metrics: Metrics,
        clock: Clock,
        orientation: OrientationWatch,
        conditions: ConditionWatch | None = None,
        watch_freezing: bool = True,
        alarm_pictures: AlarmPictures | None = None,
    ) -> None:
        """`watch_freezing` is for live cameras; a recording may show one picture for as long as it likes."""
        self._recogniser = recogniser
        self._searches = searches
        self._face_handler = face_handler
        self._reporter = reporter
        self._feedback = feedback
        self._metrics = metrics
        self._clock = clock
        self._orientation = orientation
        self._conditions = conditions or ConditionWatch()
        self._watch_freezing = watch_freezing
        self._alarm_pictures = alarm_pictures
        self._view_measured_at = float("-inf")
        self._frames_seen = 0
        self._image: npt.NDArray[np.uint8] | None = None
        self._changed_at = float("-inf")

    @property
    def frames_seen(self) -> int:
        """How many frames recognition has processed."""
        return self._frames_seen

    def process_next(self, feed: Feed, timeout_s: float) -> bool:
        """Wait up to `timeout_s` seconds for the newest frame and process it; return whether one came.

        A frame from before this process stood still shows people who may have left: it is passed over.
        """
        frame = feed.take_newest(timeout_s)
        if frame is None or self._clock.monotonic() - frame.arrived > STALE_S:
            return False
        self.process(frame)
        return True

    def process(self, frame: Frame) -> None:
        """Recognise and act. A frame that cannot be worked on is counted and passed over: the next may be better."""
        begun = self._clock.monotonic()
        if self._alarm_pictures is not None:
            self._alarm_pictures.observe(frame)
        try:
            if self._repeats(frame):
                # Whoever it shows may have left: it is nothing new to vote on.
                if frame.arrived - self._changed_at >= _STALE_AFTER_S:
                    self._feedback.publish(Sighting(frozenset()), frame.arrived)
            else:
                sighting = self._recogniser.recognise(frame, self._searches.current)
                self._face_handler.handle(self._orientation.correct(sighting, frame), frame)
                self._feedback.publish(sighting, frame.arrived)
                self._orientation.observe(sighting, frame)
        except Exception:  # noqa: BLE001 - one bad frame must not blind the gate
            _log.exception("frame_failed", frame=frame.sequence)
            self._metrics.frames_failed.inc()
        self._frames_seen += 1
        self._metrics.frames.inc()
        self._metrics.recognition.observe(self._clock.monotonic() - begun)
        if frame.arrived - self._view_measured_at >= _VIEW_EVERY_S:
            # After the decision, so that nobody waits for it.
            self._view_measured_at = frame.arrived
            self._report_view(frame)

    def _report_view(self, frame: Frame) -> None:
        condition = self._conditions.observe(measure_view(frame.image), frame.arrived)
        if condition is Condition.FROZEN and not self._watch_freezing:
            return
        if condition is not Condition.GOOD:
            self._reporter.report_view(condition)
        else:
            self._reporter.report_view(self._orientation.condition, rotation=self._orientation.rotation)

    def _repeats(self, frame: Frame) -> bool:
        """Return whether a live camera sent the very pixels of the frame before."""
        before, self._image = self._image, frame.image
        if self._watch_freezing and before is not None and _same(before, frame.image):
            return True
        self._changed_at = frame.arrived
        return False


def _same(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> bool:
    """Compare two RGB pictures; a few pixels tell most apart, a fifth of the time that all of them take."""
    few = np.s_[::_SAMPLE, ::_SAMPLE]
    return np.array_equal(one[few], other[few]) and np.array_equal(one, other)
