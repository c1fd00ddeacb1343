"""Did the face turn as a flat picture turns? A plane seen twice is related by a homography; a head is not.

The nose stands before the cheeks: when a head turns, it moves against them, and lips and lids move by themselves.
When a print or a telephone turns in somebody's hand, eight numbers explain where every point of it went (Hartley and
Zisserman, Multiple View Geometry, 2nd edition, 13.1).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.alignment import ARCFACE
from models.landmarks import Mesh
from models.pixels import Image

_POINTS, _LEAST_POINTS = 80, 25
_APART = 4
_RETURN = 0.7
"""Pixels; a point that is not found again on the way back was not followed."""
_MOVED = 0.8
"""Pixels of the aligned face; less tells nothing, for a face that only came nearer looks as flat as a print."""
_WINDOW, _LEVELS = (15, 15), 2
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A face brought to one size and place: grey (112, 112), and points on it that can be followed (N, 1, 2)."""

    grey: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float32]


def view_of(image: Image, mesh: Mesh) -> View:
    """Return the view of the face with `mesh` (468, 3)."""
    grey = np.asarray(cv2.cvtColor(ARCFACE.crop(image, mesh), cv2.COLOR_RGB2GRAY), np.uint8)
    found: npt.NDArray[np.float32] | None = cv2.goodFeaturesToTrack(grey, _POINTS, 0.01, _APART, mask=_FACE)  # type: ignore[assignment]
    return View(grey, np.zeros((0, 1, 2), np.float32) if found is None else found)


def flatness(before: View, now: View) -> float | None:
    """Return what of the face's change of shape a turning plane leaves unexplained, as a share of it.

    Near 0 for a flat picture, around 1 for a head; None when the face did not turn enough to tell, or changed too
    much to be followed. Movement towards, along and around the camera's axis does not count.
    """
    if len(before.points) < _LEAST_POINTS:
        return None
    start, end = _follow(before, now)
    if len(start) < _LEAST_POINTS:
        return None
    moved = float(np.median(_after_similarity(start, end)))
    if moved < _MOVED:
        return None
    plane, _ = cv2.findHomography(start, end, cv2.LMEDS)
    if plane is None:
        return None
    left = np.linalg.norm(cv2.perspectiveTransform(start[np.newaxis], plane)[0] - end, axis=1)
    return float(np.percentile(left, 80) / moved)


def _follow(before: View, now: View) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    def flow(one: View, other: View, points: npt.NDArray[np.float32]) -> tuple[np.ndarray, np.ndarray]:
        there, found, _ = cv2.calcOpticalFlowPyrLK(
            one.grey, other.grey, points, np.empty_like(points), winSize=_WINDOW, maxLevel=_LEVELS, criteria=_STOP
        )
        return np.asarray(there, np.float32), np.asarray(found)[:, 0] > 0

    there, found = flow(before, now, before.points)
    back, found_again = flow(now, before, there)
    close = np.linalg.norm((before.points - back)[:, 0], axis=1) < _RETURN
    kept = found & found_again & close
    return before.points[kept, 0].astype(np.float64), there[kept, 0].astype(np.float64)


def _after_similarity(start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return each point's distance after the best shift, turn and change of size: least squares in complex numbers."""
    one, other = ((points - points.mean(axis=0)) @ np.array([1, 1j]) for points in (start, end))
    distances: npt.NDArray[np.float64] = np.abs(other - one * (np.vdot(one, other) / np.vdot(one, one)))
    return distances


def _ellipse() -> npt.NDArray[np.uint8]:
    mask = np.zeros((ARCFACE.size, ARCFACE.size), np.uint8)
    cv2.ellipse(mask, (56, 62), (40, 46), 0, 0, 360, 255, thickness=-1)
    return mask


_FACE = _ellipse()
