"""A camera in its own thread, that comes back."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event, Lock, Thread
from traceback import extract_tb

import structlog

from bus.backoff import Backoff
from edge.camera.frame_slot import FrameSlot
from edge.camera.port import Camera, CameraLostError, Frame

_log = structlog.get_logger()


def _place(error: Exception) -> list[str]:
    return [f"{Path(step.filename).name}:{step.lineno}" for step in extract_tb(error.__traceback__)]


class FeedStatus(StrEnum):
    """Where the connection to the camera stands."""

    CONNECTING = "connecting"
    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class FeedReport:
    """What health says about the connection."""

    status: FeedStatus
    frames: int
    passed_over: int
    losses: int
    last_arrived: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """Seconds between attempts to reconnect: `first`, doubled up to `longest`."""

    first: float = 0.5
    longest: float = 15.0


class Feed:
    """Reads `camera` in a thread and keeps its newest frame.

    A live camera that is lost is tried again for ever, with a growing pause; a recording ends once.
    """

    def __init__(self, camera: Camera, *, reconnect: ReconnectPolicy | None = None) -> None:
        self._camera = camera
        policy = reconnect or ReconnectPolicy()
        # One edge asks one camera: there is nobody to keep out of step with.
        self._backoff = Backoff(first_s=policy.first, longest_s=policy.longest, spread=0.0)
        self._slot = FrameSlot()
        self._stop = Event()
        self._lock = Lock()
        self._status = FeedStatus.CONNECTING
        self._frames = 0
        self._losses = 0
        self._last_arrived: float | None = None
        self._error: str | None = None
        self._thread = Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to read the camera, on a thread of its own."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Let go of the camera; waits for the thread at most `timeout` seconds, for a read may still block."""
        self._stop.set()
        self._slot.close()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def take_newest(self, timeout: float) -> Frame | None:
        """Return the newest frame not yet taken, or None when none came within `timeout` seconds."""
        return self._slot.take(timeout)

    def report(self) -> FeedReport:
        """Return the figures so far."""
        with self._lock:
            return FeedReport(
                self._status, self._frames, self._slot.passed_over, self._losses, self._last_arrived, self._error
            )

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            before = self._frames
            error = self._read_until_it_ends()
            if self._stop.is_set():
                break
            if error is None and not self._camera.live:
                self._become(FeedStatus.ENDED, None)
                self._slot.close()
                return
            failures = 1 if self._frames > before else failures + 1
            pause = self._backoff.wait_s(failures)
            reason = error or "the camera stopped sending"
            self._become(FeedStatus.LOST, reason)
            _log.warning("camera_lost", reason=reason, retry_in_s=pause)
            self._stop.wait(pause)
        self._become(FeedStatus.ENDED, None)

    def _read_until_it_ends(self) -> str | None:
        try:
            for frame in self._camera.frames(self._stop):
                self._accept(frame)
        except CameraLostError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a driver's fault must not end the thread: the gate would be blind without a word
            # Where, and not with what words: a driver's text may hold the camera's address, and so its password.
            _log.error("camera_failed", error=type(error).__name__, at=_place(error))
            return type(error).__name__
        return None

    def _accept(self, frame: Frame) -> None:
        with self._lock:
            if self._status is not FeedStatus.RUNNING:
                _log.info("camera_running", height=frame.image.shape[0], width=frame.image.shape[1])
            self._status, self._error = FeedStatus.RUNNING, None
            self._frames += 1
            self._last_arrived = frame.arrived
        self._slot.put(frame)

    def _become(self, status: FeedStatus, error: str | None) -> None:
        with self._lock:
            if status is FeedStatus.LOST:
                self._losses += 1
            self._status, self._error = status, error
