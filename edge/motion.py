"""Whether anything moved before a camera since nobody was found there. Pure; time is an argument.

A detector's network takes many times as long as this comparison, and a gate has nobody before it for most of the day.
Pictures are compared as means of some thousand cells, in which a sensor's noise cancels out. Light that flickers or
that the camera adjusts to is no movement: each row of cells may be lighter or darker as a whole, as lamps on
alternating current make the bands of a rolling shutter.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.pixels import halved

Cells = npt.NDArray[np.float32]

_MOST_CELLS = 80
"""Along the longer side, where there are at least half as many: 16 × 16 pixels of a picture of 640 × 480. The smallest
face that the detector finds, a twentieth of the picture's side, covers several of them."""
_FLOOR = 8.0
"""Grey levels that are added before rows are compared as ratios: near black a ratio says nothing."""
_TO_DEVIATION = 1.4826
"""From the median of absolute values to the standard deviation of what is normally distributed."""


@dataclass(frozen=True, slots=True)
class MotionLimits:
    """When a picture counts as another one than that in which nobody was found."""

    least_change: float = 3.0
    """Grey levels by which the mean of a cell must differ in any colour."""
    least_change_around: float = 1.5
    """The same of the mean of three by three cells: what is faint and covers several of them."""
    least_deviations: float = 6.0
    """The same in standard deviations of all cells' differences: what exceeds it is no noise, however dark it is."""
    least_brightness: float = 40.0
    """Mean of the picture, 0–255. In a darker one a face is hardly more than the noise: the detector always looks."""
    look_every_s: float = 1.0
    """Seconds after which the detector looks anyway."""


class MotionWatch:
    """Remembers the last picture in which nobody was found, and tells others from it."""

    def __init__(self, limits: MotionLimits | None = None) -> None:
        self._limits = limits or MotionLimits()
        self._empty: Cells | None = None
        self._looked_at = float("-inf")
        self._latest: Cells | None = None

    def is_still(self, image: npt.NDArray[np.uint8], at: float) -> bool:
        """Return whether an RGB picture of the monotonic second `at` shows what the last empty one showed."""
        limits, before = self._limits, self._empty
        self._latest = now = cells_of(image)
        if before is None or before.shape != now.shape or at - self._looked_at >= limits.look_every_s:
            return False
        return float(now.mean()) >= limits.least_brightness and not has_changed(before, now, limits)

    def remember_empty(self, at: float) -> None:
        """Compare with the picture that `is_still` was last asked about from now on: nobody was found in it."""
        self._empty, self._looked_at = self._latest, at


def cells_of(image: npt.NDArray[np.uint8]) -> Cells:
    """Return the means of an RGB picture's cells, float32 (rows, columns, 3)."""
    while max(image.shape[:2]) >= _MOST_CELLS and min(image.shape[:2]) > 1:
        image = halved(image)
    return image.astype(np.float32)


def has_changed(before: Cells, now: Cells, limits: MotionLimits) -> bool:
    """Return whether any cell, or any three by three of them, changed by more than light and noise explain."""
    before, now = before + _FLOOR, now + _FLOOR
    light = np.median(now / before, axis=1, keepdims=True)
    changes = now - light * before
    return _stands_out(changes, limits.least_change, limits.least_deviations) or _stands_out(
        cv2.blur(changes, (3, 3)), limits.least_change_around, limits.least_deviations
    )


def _stands_out(changes: Cells, least: float, deviations: float) -> bool:
    changes = np.abs(changes)
    noise = _TO_DEVIATION * float(np.median(changes))
    return float(changes.max()) > max(least, deviations * noise)
