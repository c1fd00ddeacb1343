"""A camera that plays a video file."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.pacing import Pacer
from edge.camera.port import CameraLostError, Frame
from messages import Clock, SystemClock

_USUAL_RATE = 25.0


class FileCamera:
    """Plays `path` once, in its own time (`real_time`) or as fast as it is read."""

    live = False

    def __init__(self, path: Path, *, real_time: bool = True, clock: Clock | None = None) -> None:
        self._path = path
        self._real_time = real_time
        self._clock = clock or SystemClock()
        self._pacer: Pacer | None = None

    def frames(self, stop: Event) -> Iterator[Frame]:
        """Give the frames of the file at its own pace; see `Camera.frames`."""
        if not self._path.is_file():
            raise CameraLostError(f"there is no video file {self._path}")
        capture = cv2.VideoCapture(str(self._path))
        try:
            if not capture.isOpened():
                raise CameraLostError(f"{self._path} is not a video that can be read")
            if self._pacer is None:
                self._pacer = Pacer(self._clock, _rate_of(capture) if self._real_time else None)
            yield from self._pacer.frames(self._pictures(capture), stop)
        finally:
            capture.release()

    def _pictures(self, capture: cv2.VideoCapture) -> Iterator[npt.NDArray[np.uint8]]:
        shown = 0
        while True:
            read, picture = capture.read()
            if not read:
                break
            shown += 1
            yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        if shown == 0:
            raise CameraLostError(f"{self._path} holds no picture")


def _rate_of(capture: cv2.VideoCapture) -> float:
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if rate > 0 else _USUAL_RATE
