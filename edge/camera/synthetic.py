"""A camera that shows given pictures: for the demonstration, the benchmarks and tests."""

from collections.abc import Iterable, Iterator
from threading import Event

import numpy as np
import numpy.typing as npt

from edge.camera.pacing import Pacer
from edge.camera.port import Frame
from messages import Clock, SystemClock


class SyntheticCamera:
    """Shows `pictures` (RGB uint8) once for each call of `frames`."""

    def __init__(
        self,
        pictures: Iterable[npt.NDArray[np.uint8]],
        *,
        rate: float | None = None,
        live: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._pictures = pictures
        self._pacer = Pacer(clock or SystemClock(), rate)
        self._live = live

    @property
    def live(self) -> bool:
        """Whether the end of the pictures counts as a loss."""
        return self._live

    def frames(self, stop: Event) -> Iterator[Frame]:
        """Give the pictures at the set pace; see `Camera.frames`."""
        return self._pacer.frames(self._pictures, stop)
