"""At which pace recorded frames are handed out, and how they are stamped."""

from collections.abc import Iterable, Iterator
from threading import Event

import numpy as np
import numpy.typing as npt

from edge.camera.port import Frame
from messages import Clock


class Pacer:
    """Turns pictures into frames: one every `1 / rate` seconds, or as fast as they are taken when `rate` is None."""

    def __init__(self, clock: Clock, rate: float | None) -> None:
        if rate is not None and rate <= 0:
            raise ValueError(f"a camera's rate must be positive, not {rate}")
        self._clock = clock
        self._rate = rate
        self._sequence = 0

    def frames(self, pictures: Iterable[npt.NDArray[np.uint8]], stop: Event) -> Iterator[Frame]:
        """Yield `pictures` as frames until they or the time are up.

        A reader that is slow does not make the recording late: frames whose time has passed come at once.
        """
        begun = self._clock.monotonic()
        for index, picture in enumerate(pictures):
            if self._rate is not None:
                due = begun + index / self._rate
                if stop.wait(max(0.0, due - self._clock.monotonic())):
                    return
            elif stop.is_set():
                return
            self._sequence += 1
            yield Frame(picture, self._clock.monotonic(), self._sequence - 1)
