"""A camera that shows the pictures of a folder in the order of their names."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.pacing import Pacer
from edge.camera.port import CameraLostError, Frame
from messages import Clock, SystemClock

SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp"})


class FolderCamera:
    """Shows each picture of `folder` once."""

    live = False

    def __init__(self, folder: Path, *, rate: float | None = None, clock: Clock | None = None) -> None:
        self._folder = folder
        self._pacer = Pacer(clock or SystemClock(), rate)

    def frames(self, stop: Event) -> Iterator[Frame]:
        """Give the pictures in the order of their names; see `Camera.frames`."""
        return self._pacer.frames(self._pictures(), stop)

    def _pictures(self) -> Iterator[npt.NDArray[np.uint8]]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError as error:
            raise CameraLostError(f"the folder {self._folder} cannot be read: {error.strerror}") from error
        if not paths:
            raise CameraLostError(f"the folder {self._folder} holds no picture ({', '.join(sorted(SUFFIXES))})")
        for path in paths:
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if picture is None:
                raise CameraLostError(f"{path} is not a picture that can be read")
            yield np.asarray(picture, np.uint8)
