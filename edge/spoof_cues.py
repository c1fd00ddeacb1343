"""What a track's frames show of a picture held up: each looked at alone, and against an earlier one."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge.liveness import Evidence
from models.face import Face
from models.spoof_cues import View, border_of, flatness, moire_of, view_of

_LEAST_APART, _MOST_APART = 0.1, 1.0
"""Seconds between two views that are compared."""


class CueReader(Protocol):
    """Reads the cues of one track."""

    def read(self, image: npt.NDArray[np.uint8], face: Face, at: float) -> Evidence:
        """Return what the RGB `image` of the monotonic second `at` says about `face`."""
        ...


class TrackCues:
    """The cues that need no weights."""

    def __init__(self) -> None:
        self._reference: tuple[float, View] | None = None

    def read(self, image: npt.NDArray[np.uint8], face: Face, at: float) -> Evidence:
        """Return what one RGB frame says about `face`; `at` in monotonic seconds."""
        return Evidence(
            border=border_of(image, face.box),
            moire=moire_of(image, face.box),
            flatness=None if face.landmarks is None else self._flatness(view_of(image, face.landmarks), at),
        )

    def _flatness(self, view: View, at: float) -> float | None:
        if self._reference is None:
            self._reference = at, view
            return None
        since, before = self._reference
        if at - since < _LEAST_APART:
            return None
        found = flatness(before, view)
        if at - since > _MOST_APART:
            self._reference = at, view
        return found
