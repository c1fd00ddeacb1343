"""A portrait that faults are done to, and the few operations that several faults share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mesh = npt.NDArray[np.float32]

_RIGHT_EYE, _LEFT_EYE = (33, 133), (362, 263)
# Contours of the face mesh, as MediaPipe numbers its points.
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
        150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
LOWER_OVAL = (454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234)


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A photo, the mesh of its face, and a grid (h, w) over it of the probability to be the person."""

    image: Image
    mesh: Mesh
    person: npt.NDArray[np.float32]

    @property
    def eyes(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The centres of the right and the left eye."""
        return self.mesh[list(_RIGHT_EYE), :2].mean(axis=0), self.mesh[list(_LEFT_EYE), :2].mean(axis=0)

    @property
    def apart(self) -> float:
        """Pixels between the eyes."""
        right, left = self.eyes
        return float(np.linalg.norm(left - right))


Degrade = Callable[[Portrait, Portrait], Image]
"""Makes the faulty picture of a portrait; another portrait is given for faults that need a second person."""


def clipped(values: npt.ArrayLike) -> Image:
    """Return values as an image: rounded, within 0–255."""
    return np.asarray(np.clip(np.asarray(values), 0, 255).round(), np.uint8)


def pixel(point: npt.NDArray[np.floating]) -> tuple[int, int]:
    """Return the pixel at a point (x, y)."""
    return round(float(point[0])), round(float(point[1]))
