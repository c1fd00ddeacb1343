"""BlazeFace: where the faces of an image are, with six points on each.

Two networks of one kind (Bazarevsky et al., 2019): the short range sees faces up to about two metres from a camera, the
full range up to about five. Their outputs are offsets from fixed anchors; many anchors see one face, and their boxes
are averaged, weighted by score, which is steadier from frame to frame than keeping the best.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.box import Box
from models.pixels import Image, shrunk
from models.runtime import Network, Tensor, sigmoid

_OVERLAP = 0.3
"""Intersection over union from which two boxes are one face."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face as the detector sees it."""

    box: Box
    score: float
    keypoints: npt.NDArray[np.float32]
    """(6, 2) in pixels: right eye, left eye, nose tip, mouth, right ear, left ear; right and left of the person."""


@dataclass(frozen=True, slots=True)
class DetectorGeometry:
    """The input size of a network and its grids of anchors as (cells along a side, anchors in a cell)."""

    size: int
    grids: tuple[tuple[int, int], ...]

    def anchors(self) -> npt.NDArray[np.float32]:
        """Return the anchors' centres (A, 2), as shares of the input's side."""
        centres = []
        for cells, count in self.grids:
            axis = (np.arange(cells) + 0.5) / cells
            y, x = np.meshgrid(axis, axis, indexing="ij")
            centres.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), count, axis=0))
        return np.concatenate(centres).astype(np.float32)


SHORT_RANGE = DetectorGeometry(size=128, grids=((16, 2), (8, 6)))
FULL_RANGE = DetectorGeometry(size=192, grids=((48, 1),))


class Detector:
    """One BlazeFace network."""

    def __init__(self, path: Path, geometry: DetectorGeometry, *, minimum_score: float = 0.5, threads: int = 0) -> None:
        self._network = Network(path, threads=threads)
        self._size = geometry.size
        self._anchors = geometry.anchors()
        self._minimum_score = minimum_score

    def detect(self, image: Image) -> list[Detection]:
        """Return the faces of the RGB `image`, the best score first."""
        tensor, scale, offset = letterbox(image, self._size)
        regressors, logits = sorted(self._network(tensor), key=lambda output: -output.shape[-1])
        scores = sigmoid(logits.reshape(-1))
        keep = scores >= self._minimum_score
        if not keep.any():
            return []
        shapes = self._decode(regressors.reshape(len(scores), -1)[keep], self._anchors[keep])
        kept = weighted_suppression(shapes, scores[keep], _OVERLAP)
        return [_to_detection(shape, score, scale, offset) for shape, score in kept]

    def _decode(self, regressors: Tensor, anchors: Tensor) -> Tensor:
        """Return (K, 16): left, top, right, bottom and six points, in pixels of the network's input."""
        points = regressors.reshape(len(regressors), 8, 2).copy()
        points[:, [0, 2, 3, 4, 5, 6, 7]] += anchors[:, None] * self._size
        half = points[:, 1] / 2
        points[:, 1] = points[:, 0] + half
        points[:, 0] -= half
        return points.reshape(len(regressors), 16)


def letterbox(image: Image, size: int) -> tuple[Tensor, float, tuple[int, int]]:
    """Fit `image` into a black square of `size` pixels.

    Returns the tensor (1, 3, size, size) in -1…1, the scale used, and the left and top edge of the picture in it.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size - inner_width) // 2, (size - inner_height) // 2
    square = np.zeros((size, size, 3), np.uint8)
    square[top : top + inner_height, left : left + inner_width] = shrunk(image, inner_width, inner_height)
    tensor = np.array(cv2.split(square))[np.newaxis] * np.float32(1 / 127.5) - np.float32(1)
    return tensor, scale, (left, top)


def weighted_suppression(shapes: Tensor, scores: Tensor, overlap: float) -> list[tuple[Tensor, float]]:
    """Merge the boxes that overlap the best one by more than `overlap`, weighted by score; then go on with the rest.

    `shapes` is (K, 4 or more): left, top, right, bottom, and coordinates that are averaged with them. The merged
    shape has the best score of its members.
    """
    merged = []
    order = np.argsort(-scores, kind="stable")
    while len(order):
        best = order[0]
        same = _overlaps(shapes[best], shapes[order]) > overlap
        same[0] = True
        members = order[same]
        merged.append((np.average(shapes[members], axis=0, weights=scores[members]), float(scores[best])))
        order = order[~same]
    return merged


def _overlaps(one: Tensor, many: Tensor) -> Tensor:
    low, high = np.maximum(one[:2], many[:, :2]), np.minimum(one[2:4], many[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(np.maximum(many[:, 2:4] - many[:, :2], 0), axis=1)
    area = np.prod(np.maximum(one[2:4] - one[:2], 0))
    overlaps: Tensor = shared / np.maximum(area + areas - shared, 1e-9)
    return overlaps


def _to_detection(shape: Tensor, score: float, scale: float, offset: tuple[int, int]) -> Detection:
    points = ((shape.reshape(-1, 2) - offset) / scale).astype(np.float32)
    (left, top), (right, bottom) = points[0], points[1]
    box = Box(float(left), float(top), float(right - left), float(bottom - top))
    return Detection(box, score, points[2:])
