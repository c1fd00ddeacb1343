"""Does a straight frame cut the person off below the face? The edge of a print, or of a screen.

A body goes on below its face. Where an edge crosses under the chin and meets, at right angles, two edges that run up
beside the face, the face ends there: it is on something rectangular. A door or a window behind somebody has no such
lower edge, for the body stands before it.
"""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.box import Box
from models.pixels import Image

_SIDE = 192
_BOXES = 3.4
_FACE = _SIDE / _BOXES
"""The face's side in the crop, whose side is `_BOXES` faces."""
_MIDDLE = _SIDE / 2
_BESIDE, _BELOW = 0.45, 0.55
"""How far from the middle, in faces, an upright edge and the lower edge must lie."""
_UP = 1.5
"""How far up from the corners, in faces, the upright edges are followed."""
_WEAK, _STRONG = 40, 100
_VOTES, _SHORTEST, _GAP = 18, 16, 8
"""A finger that holds the picture interrupts its edge."""
_CANDIDATES = 10
_ALONG = float(np.tan(np.radians(20)))
"""An edge pixel counts for a line only when its gradient stands across it, within this angle."""
_STEEPEST = 0.45
_SKEW = 7.0
"""Degrees by which the frame may deviate from a rectangle."""
_IN_VIEW = 1.3
"""So far below the middle of the face, in faces, the picture must reach before the absence of an edge says anything."""
_LEAST_LOWER = 0.3
_LEAST_VISIBLE = 0.6

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Straight edges of one direction: `offset` from the crop's edge at its middle, `slope` away from the axis."""

    offset: npt.NDArray[np.float64]
    slope: npt.NDArray[np.float64]
    length: npt.NDArray[np.float64]

    def longest(self, where: npt.NDArray[np.bool_]) -> list[int]:
        found = np.flatnonzero(where & (np.abs(self.slope) < _STEEPEST))
        return [int(line) for line in found[np.argsort(-self.length[found])][:_CANDIDATES]]


def border_of(image: Image, box: Box) -> float | None:
    """Return how completely a frame encloses the face from below, 0 (not at all) … 1 (without a gap).

    It is the geometric mean of the covered shares of the lower edge and of 1.5 faces of both upright edges, for the
    best rectangle found. None when too little of what is below the face is in view to tell.
    """
    if box.centre[1] + _IN_VIEW * max(box.width, box.height) > image.shape[0]:
        return None
    grey, inside = _crop(image, box)
    across, down = cv2.Sobel(grey, cv2.CV_16S, 1, 0), cv2.Sobel(grey, cv2.CV_16S, 0, 1)
    edges = cv2.Canny(across, down, _WEAK, _STRONG) * inside
    upright = np.asarray(edges * (np.abs(down) < _ALONG * np.abs(across)), np.uint8)
    level = np.asarray(edges * (np.abs(across) < _ALONG * np.abs(down)), np.uint8)
    sides, lowers = _lines(upright, upright=True), _lines(level, upright=False)
    left = sides.longest(sides.offset < _MIDDLE - _BESIDE * _FACE)
    right = sides.longest(sides.offset > _MIDDLE + _BESIDE * _FACE)
    below = lowers.longest(lowers.offset > _MIDDLE + _BELOW * _FACE)
    if not (left and right and below):
        return 0.0
    broad = np.ones((3, 3), np.uint8)
    upright, level = np.asarray(cv2.dilate(upright, broad)), np.asarray(cv2.dilate(level, broad))
    tilt, dip = np.degrees(np.arctan(sides.slope)), np.degrees(np.arctan(lowers.slope))
    best = 0.0
    for one, other, lower in itertools.product(left, right, below):
        if abs(tilt[one] - tilt[other]) > _SKEW or abs((tilt[one] + tilt[other]) / 2 + dip[lower]) > _SKEW:
            continue
        corners = [_corner(sides, side, lowers, lower) for side in (one, other)]
        covered = _covered(level, inside, corners[0], corners[1])
        if covered < _LEAST_LOWER:
            continue
        for side, (x, y) in zip((one, other), corners, strict=True):
            covered *= _covered(upright, inside, (x, y), (x - sides.slope[side] * _UP * _FACE, y - _UP * _FACE))
        best = max(best, covered)
    return float(best ** (1 / 3))


def _crop(image: Image, box: Box) -> tuple[npt.NDArray[np.uint8], Mask]:
    """Return the grey crop around the face, softened, and which of its pixels lie well inside the picture."""
    scale = _SIDE / (_BOXES * max(box.width, box.height, 1.0))
    x, y = box.centre
    if scale < 0.5:
        # Warping takes four pixels for one: reduce first, or detail turns into edges.
        factor = int(0.5 / scale) + 1
        height, width = image.shape[0] // factor, image.shape[1] // factor
        image = np.asarray(cv2.resize(image, (max(width, 1), max(height, 1)), interpolation=cv2.INTER_AREA), np.uint8)
        scale, x, y = scale * factor, x / factor, y / factor
    left, top = _MIDDLE - scale * x, _MIDDLE - scale * y
    matrix = np.array([[scale, 0, left], [0, scale, top]])
    crop = cv2.warpAffine(image, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros((_SIDE, _SIDE), np.uint8)
    # The picture's own edge is no frame.
    low_y, low_x = max(0, int(top) + 3), max(0, int(left) + 3)
    inside[
        low_y : max(int(top + scale * image.shape[0]) - 2, low_y),
        low_x : max(int(left + scale * image.shape[1]) - 2, low_x),
    ] = 1
    grey = cv2.cvtColor(cv2.GaussianBlur(crop, (3, 3), 0), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.uint8), inside


def _lines(edges: Mask, *, upright: bool) -> _Lines:
    found = cv2.HoughLinesP(edges, 1, np.pi / 180, _VOTES, minLineLength=_SHORTEST, maxLineGap=_GAP)
    ends = np.zeros((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)
    if not upright:
        ends = ends[:, [1, 0, 3, 2]]
    # From here on as for an upright line: how far aside it goes for each step along the axis.
    aside, along = ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]
    slope = aside / np.where(along == 0, 1e-6, along)
    return _Lines(ends[:, 0] + slope * (_MIDDLE - ends[:, 1]), slope, np.hypot(aside, along))


def _corner(sides: _Lines, side: int, lowers: _Lines, lower: int) -> tuple[float, float]:
    at_middle, lean, dip = sides.offset[side], sides.slope[side], lowers.slope[lower]
    y = (lowers.offset[lower] + dip * (at_middle - lean * _MIDDLE - _MIDDLE)) / (1 - dip * lean)
    return float(at_middle + lean * (y - _MIDDLE)), float(y)


def _covered(edges: Mask, inside: Mask, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return the share of the way that is edge, of what lies inside the picture; 0 when little of it does."""
    steps = max(int(np.hypot(end[0] - start[0], end[1] - start[1])), 2)
    x, y = (np.round(np.linspace(one, other, steps)).astype(int) for one, other in zip(start, end, strict=True))
    here = (x >= 0) & (y >= 0) & (x < _SIDE) & (y < _SIDE)
    x, y = x[here], y[here]
    seen = inside[y, x] > 0
    if seen.sum() < _LEAST_VISIBLE * steps:
        return 0.0
    return float((edges[y[seen], x[seen]] > 0).mean())
