"""The best view of the person in front, for a template that is to last: frontal, sharp, near, and alive."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.camera.port import Frame
from edge.liveness import Liveness
from edge.recognition import Sighting
from edge.selection import FaceLimits
from models.face import Face

LASTS_S = 5.0
"""How long before the passage a view may be: whoever walks up is nearest just before they tap."""
LEAST_EMBEDDINGS = 3
LIMITS = FaceLimits(
    least_eye_distance=40.0,
    most_yaw=15.0,
    most_pitch=15.0,
    least_sharpness=0.02,
    least_brightness=50.0,
    most_overexposed=0.1,
    least_presence=0.95,
)
"""Stricter than what a frame must keep to vote: what is searched ever after is made of one view."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeView:
    """A frame, RGB uint8 (H, W, 3), with the face in it that is meant, and how many frames its track was embedded."""

    image: npt.NDArray[np.uint8]
    face: Face
    frames: int


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    track_id: int
    at: float
    view: ProbeView


class ProbeViews:
    """Keeps the sharpest good view of the track in front. One thread calls `record`, any `take`."""

    def __init__(self) -> None:
        self._best: _Kept | None = None
        self._newest: tuple[float, Sighting] | None = None

    def record(self, sighting: Sighting, frame: Frame) -> None:
        """Look at one frame; a view of another track, or of long ago, is dropped, also when nobody came after."""
        best = self._best
        if best is not None and frame.arrived - best.at > LASTS_S:
            best = self._best = None
        if sighting.track_id is None or sighting.face is None:
            return
        self._newest = frame.arrived, sighting
        if best is not None and best.track_id != sighting.track_id:
            best = None
        if LIMITS.obstacle(sighting.face) is None and (best is None or sighting.face.sharpness >= _sharpness(best)):
            view = ProbeView(frame.image, sighting.face, max(_count(sighting), 1))
            best = _Kept(sighting.track_id, frame.arrived, view)
        self._best = best

    def take(self, at: float) -> ProbeView | None:
        """Return the view of whoever is in front at `at` (monotonic seconds), if a living face was seen well enough."""
        best, newest = self._best, self._newest
        if best is None or newest is None:
            return None
        seen_at, sighting = newest
        if at - seen_at > LASTS_S or at - best.at > LASTS_S or sighting.track_id != best.track_id:
            return None
        if sighting.liveness is not Liveness.LIVE or _count(sighting) < LEAST_EMBEDDINGS:
            return None
        return replace(best.view, frames=_count(sighting))


def _sharpness(kept: _Kept) -> float:
    return kept.view.face.sharpness


def _count(sighting: Sighting) -> int:
    """Return how many embeddings were made of the track."""
    return max((appearance.count for appearance in sighting.appearances.values()), default=0)
