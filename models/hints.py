"""Hints of a face's quality that cost almost nothing, measured on the face at one fixed size."""

from dataclasses import dataclass

import cv2
import numpy as np

from models.alignment import ARCFACE
from models.landmarks import Mesh
from models.pixels import Image

_RIGHT_EYE, _LEFT_EYE = (33, 133), (362, 263)
_DARK, _BRIGHT = 25, 247
"""ISO/IEC 29794-5 counts 0…25 as under- and 247…255 as over-exposed."""


@dataclass(frozen=True, slots=True)
class Hints:
    """See the fields of the same names in `models.face.Face`."""

    inter_eye_distance: float
    sharpness: float
    brightness: float
    underexposed: float
    overexposed: float


def hints_of(image: Image, mesh: Mesh) -> Hints:
    """Measure the face with `mesh` (468, 3) in `image`."""
    right, left = mesh[list(_RIGHT_EYE), :2].mean(axis=0), mesh[list(_LEFT_EYE), :2].mean(axis=0)
    grey = cv2.cvtColor(ARCFACE.crop(image, mesh), cv2.COLOR_RGB2GRAY)
    inner = grey[_FACE]
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)[_FACE]
    # Relative to the contrast, so that a dim face is not called a blurred one.
    sharpness = float(laplacian.var() / max(float(inner.var()), 1.0))
    return Hints(
        inter_eye_distance=float(np.linalg.norm(left - right)),
        sharpness=sharpness,
        brightness=float(inner.mean()),
        underexposed=float((inner <= _DARK).mean()),
        overexposed=float((inner >= _BRIGHT).mean()),
    )


def _ellipse() -> np.ndarray:
    mask = np.zeros((ARCFACE.size, ARCFACE.size), np.uint8)
    cv2.ellipse(mask, (56, 66), (34, 44), 0, 0, 360, 1, thickness=-1)
    return mask.astype(bool)


_FACE = _ellipse()
"""The part of an aligned crop that is face in everyone."""
