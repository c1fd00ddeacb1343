"""What the edge expects of a camera."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Protocol

import numpy as np
import numpy.typing as npt

from errors import OperatorError


class CameraLostError(Exception):
    """The camera cannot be opened, stopped answering, or sent something that is no picture."""


class CameraAddressError(OperatorError, ValueError):
    """The address names no camera; the message says which forms are understood."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of the camera."""

    image: npt.NDArray[np.uint8]
    """RGB uint8 (H, W, 3)."""
    arrived: float
    """Monotonic seconds at which this machine had the picture; latencies are measured from here."""
    sequence: int
    """Counts the frames of this camera; a gap means frames that were passed over."""


class Camera(Protocol):
    """A source of frames, one file of this package for each kind."""

    @property
    def live(self) -> bool:
        """Whether the end of its frames is a loss (a device, a stream) and not simply the end (a recording)."""
        ...

    def frames(self, stop: Event) -> Iterator[Frame]:
        """Connect, yield frames as they come, and let go of the source when `stop` is set or the iterator closed.

        May be called again after it ended; the numbers of the frames go on.

        Raises:
            CameraLostError: no connection, or the connection broke.
        """
        ...
