"""Does a regular pattern lie over the face? The pixels of a screen, seen by the pixels of a camera, make one."""

import cv2
import numpy as np

from models.box import Box
from models.pixels import Image

_SIZES = (128, 64)
"""The side of the patch: the larger one that lies within the face."""
_FINEST, _COARSEST = 0.47, 0.12
"""Cycles for each pixel; coarser detail is the face's own."""
_BLOCK = 8
"""JPEG's blocks make patterns of their own, at multiples of an eighth of a cycle."""


class _Spectrum:
    """What of a patch's spectrum is looked at."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.window = np.outer(np.hanning(size), np.hanning(size)).astype(np.float32)
        y, x = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
        radius = np.hypot(x, y)
        on_axis = (np.abs(x) < 1.5 / size) | (np.abs(y) < 1.5 / size)
        on_grid = _near_grid(x) & _near_grid(y)
        looked_at = (radius > _COARSEST) & (radius < _FINEST) & ~on_axis & ~on_grid
        self.looked_at = np.flatnonzero(looked_at)
        self.ring = (radius * size).astype(int).ravel()[self.looked_at]
        self.members = np.maximum(np.bincount(self.ring), 1)


def _near_grid(frequency: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(frequency * _BLOCK - np.round(frequency * _BLOCK)) < 0.12)


_SPECTRA = tuple(_Spectrum(size) for size in _SIZES)


def moire_of(image: Image, box: Box) -> float:
    """Return how far the strongest single frequency stands out from its ring of the face's spectrum.

    In robust standard deviations of the log power; a face gives 2 to 4. 0 for a face smaller than 64 pixels.
    """
    side = min(box.width, box.height, *image.shape[:2])
    spectrum = next((one for one in _SPECTRA if one.size <= side), None)
    if spectrum is None:
        return 0.0
    size = spectrum.size
    height, width = image.shape[:2]
    left = int(np.clip(box.centre[0] - size / 2, 0, width - size))
    top = int(np.clip(box.centre[1] - size / 2, 0, height - size))
    green = image[top : top + size, left : left + size, 1].astype(np.float32)
    detail = green - np.asarray(cv2.GaussianBlur(green, (0, 0), 3))
    power = np.log(np.abs(np.fft.rfft2(detail * spectrum.window)) ** 2 + 1).ravel()[spectrum.looked_at]
    level = np.bincount(spectrum.ring, power) / spectrum.members
    above = power - level[spectrum.ring]
    spread = 1.4826 * float(np.median(np.abs(above - np.median(above))))
    return float(above.max() / max(spread, 1e-3))
