"""An upright rectangle in image pixels."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Box:
    """Left and top edge, width and height, in pixels; parts of it may lie outside the image."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge, in pixels."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Bottom edge, in pixels."""
        return self.top + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y), in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @classmethod
    def around(cls, points: npt.NDArray[np.floating]) -> Self:
        """Return the smallest box that holds `points` (N, 2 or more columns)."""
        left, top = points[:, :2].min(axis=0)
        right, bottom = points[:, :2].max(axis=0)
        return cls(float(left), float(top), float(right - left), float(bottom - top))

    def overlap(self, other: "Box") -> float:
        """Return intersection over union, 0…1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)
