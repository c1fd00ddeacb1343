"""Events, one for each change, of a camera that is gone, back, or sees nothing useful."""

from edge.camera import Condition, FeedReport, FeedStatus
from edge.event_recorder import Detail, EventRecorder
from messages import EventKind

SILENT = "silent"
"""Connected, but no picture comes."""
NO_CONNECTION = "no_connection"


class CameraReporter:
    """Turns what is observed into events."""

    def __init__(self, events: EventRecorder, *, silent_after: float = 3.0) -> None:
        """A running camera that sends nothing for `silent_after` seconds counts as lost."""
        self._events = events
        self._silent_after = silent_after
        self._lost = False
        self._condition = Condition.GOOD

    @property
    def running(self) -> bool:
        """Whether pictures came when last asked."""
        return not self._lost

    @property
    def condition(self) -> Condition:
        """How the view was when last seen."""
        return self._condition

    def report_connection(self, report: FeedReport, at: float) -> None:
        """Record an event if the connection to the camera was lost, or came back, by the monotonic second `at`."""
        silent = (
            report.status is FeedStatus.RUNNING
            and report.last_arrived is not None
            and at - report.last_arrived > self._silent_after
        )
        lost = silent or report.status is FeedStatus.LOST
        if lost and not self._lost:
            reason = SILENT if silent else NO_CONNECTION
            self._events.record(EventKind.CAMERA_LOST, reason=reason, details={"losses": float(report.losses)})
        elif self._lost and report.status is FeedStatus.RUNNING and not silent:
            self._events.record(EventKind.CAMERA_BACK)
        else:
            return
        self._lost = lost

    def report_view(self, condition: Condition, *, rotation: int = 0) -> None:
        """Record an event if the view changed; `rotation` is the policy's for a camera that hangs turned (degrees)."""
        if condition is self._condition:
            return
        if condition is Condition.GOOD:
            self._events.record(EventKind.CAMERA_CLEAR, reason=self._condition.value)
        else:
            turned = condition in {Condition.UPSIDE_DOWN, Condition.SIDEWAYS}
            details: dict[str, Detail] = {"rotation": rotation} if turned else {}
            self._events.record(EventKind.CAMERA_IMPAIRED, reason=condition.value, details=details)
        self._condition = condition
