"""A camera device (V4L2) or network stream (RTSP, HTTP), through OpenCV."""

from collections.abc import Iterator
from threading import Event

import cv2
import numpy as np
import structlog

from edge.camera.port import CameraLostError, Frame
from edge.camera.shown import without_credentials
from messages import Clock, SystemClock

_log = structlog.get_logger()

_OPEN_TIMEOUT_MS = 5_000
_READ_TIMEOUT_MS = 3_000
PAUSE_S = 2.0
"""After a longer pause a stream may give what it kept meanwhile: pictures of people who have left."""


class CaptureCamera:
    """Reads `address`: a device such as `/dev/video0`, or the URL of a stream.

    Reading blocks for at most the read time-out where the backend supports one (FFmpeg does, for streams), so a
    camera whose cable is pulled is lost after seconds and not never. Drivers and connections keep what nobody fetches,
    without its age: after a pause, such as of this whole process, the camera is opened anew.
    """

    live = True

    def __init__(self, address: str, *, clock: Clock | None = None) -> None:
        self._address = address
        self._shown = without_credentials(address)
        self._clock = clock or SystemClock()
        self._sequence = 0

    def frames(self, stop: Event) -> Iterator[Frame]:
        """Read until `stop`, opened anew after every long pause; see `Camera.frames`."""
        while not stop.is_set():
            yield from self._until_pause(stop)

    def _until_pause(self, stop: Event) -> Iterator[Frame]:
        try:
            capture = self._open()
        except cv2.error as error:
            # Its text may name the address.
            raise CameraLostError(f"the camera {self._shown} cannot be opened ({error.code})") from None
        try:
            if not capture.isOpened():
                raise CameraLostError(f"the camera {self._shown} does not answer")
            before: float | None = None
            while not stop.is_set():
                read, picture = capture.read()
                arrived = self._clock.monotonic()
                if not read:
                    raise CameraLostError(f"the camera {self._shown} stopped sending")
                if before is not None and arrived - before > PAUSE_S:
                    _log.warning("camera_opened_anew", paused_s=round(arrived - before, 1))
                    return
                before = arrived
                image = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
                self._sequence += 1
                yield Frame(image, arrived, self._sequence - 1)
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        if self._address.startswith("/dev/"):
            capture = cv2.VideoCapture(self._address, cv2.CAP_V4L2)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            return capture
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_TIMEOUT_MS]
        return cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, limits)
