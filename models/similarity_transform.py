"""Shift, turn and scale in the plane: the transform that best carries points onto points, and crops made with it.

A transform is a matrix float64 (2, 3) that maps (x, y) of the source to the target; pixel centres have whole
coordinates.
"""

import math
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from models.pixels import Image, halved

Transform: TypeAlias = npt.NDArray[np.float64]
Points: TypeAlias = npt.NDArray[np.floating]


def estimate(source: Points, target: Points) -> Transform:
    """Return the similarity, without reflection, of least squared error from `source` to `target` (both (N, 2)).

    The closed form for the plane: with points as complex numbers, target = a·source + b is linear least squares.

    Raises:
        ValueError: the source points coincide, so that no scale exists.
    """
    z = source[:, 0].astype(np.float64) + 1j * source[:, 1]
    w = target[:, 0].astype(np.float64) + 1j * target[:, 1]
    centred = z - z.mean()
    spread = float(np.vdot(centred, centred).real)
    if not spread > 1e-12:
        raise ValueError("the points coincide: no similarity can be estimated from them")
    a = complex(np.vdot(centred, w - w.mean()) / spread)
    b = complex(w.mean() - a * z.mean())
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def square_crop(centre: tuple[float, float], side: float, angle: float, size: int) -> Transform:
    """Return the transform of the square around `centre`, turned by `angle` (radians), onto `size` × `size` pixels."""
    scale = size / side
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    x, y = centre
    middle = (size - 1) / 2
    return np.array([[cos, sin, middle - cos * x - sin * y], [-sin, cos, middle + sin * x - cos * y]])


def invert(transform: Transform) -> Transform:
    """Return the transform that leads back."""
    linear = np.linalg.inv(transform[:, :2])
    return np.column_stack([linear, -linear @ transform[:, 2]])


def apply(transform: Transform, points: Points) -> npt.NDArray[np.float64]:
    """Map `points` (N, 2)."""
    return points @ transform[:, :2].T + transform[:, 2]


def scale_of(transform: Transform) -> float:
    """Return how many target pixels one source pixel becomes."""
    return float(np.hypot(transform[0, 0], transform[1, 0]))


def crop(image: Image, transform: Transform, size: int, *, border: int = cv2.BORDER_CONSTANT) -> Image:
    """Return the `size` × `size` pixels that `transform` carries there; black where the image has nothing.

    With `border` `cv2.BORDER_REPLICATE` the image's last pixels go on there.

    A face much larger than the crop is first halved as often as that goes, because sampling it sparsely makes patterns
    that are not in the face.
    """
    halvings = int(math.log2(max(1 / max(scale_of(transform), 1e-6), 1)))
    if halvings == 0:
        return _warp(image, transform, size, border)
    factor = 1 << halvings
    corners = apply(invert(transform), np.array([[0, 0], [size, 0], [0, size], [size, size]]))
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - factor, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + factor, (image.shape[1], image.shape[0]))
    blocks = (high - low) // factor
    if (blocks < 1).any():
        return np.zeros((size, size, 3), np.uint8)
    high = low + blocks * factor
    small = image[low[1] : high[1], low[0] : high[0]]
    for _ in range(halvings):
        small = halved(small)
    # A pixel of `small` has its centre at low + factor·i + (factor - 1)/2 of the image.
    offset = low + (factor - 1) / 2
    inner = np.column_stack([transform[:, :2] * factor, transform[:, 2] + transform[:, :2] @ offset])
    return _warp(small, inner, size, border)


def _warp(image: Image, transform: Transform, size: int, border: int) -> Image:
    warped = cv2.warpAffine(image, transform, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return warped.astype(np.uint8, copy=False)
