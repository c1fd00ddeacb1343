"""The face mesh: 468 points in space on a face (Kartynnik et al., 2019)."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import similarity_transform
from models.box import Box
from models.detector import Detection
from models.pixels import Image
from models.runtime import Network, Tensor, sigmoid
from models.similarity_transform import Transform

_SIZE = 192
_MARGIN = 1.5
"""The crop's side in sides of the face's box."""
_RIGHT_EYE_CORNER, _LEFT_EYE_CORNER = 33, 263

Mesh = npt.NDArray[np.float32]


class LandmarkModel:
    """Finds the mesh in a crop turned so that the eyes are level."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._network = Network(path, threads=threads)

    def find(self, image: Image, detections: Sequence[Detection]) -> list[tuple[Mesh, float]]:
        """Return a mesh (468, 3) in pixels of `image` and its presence (0…1) for each detection."""
        return self._run(image, [_crop_of(detection) for detection in detections])

    def refine(self, image: Image, meshes: Sequence[Mesh]) -> list[tuple[Mesh, float]]:
        """Find each mesh again in a crop placed by its first finding, which is better centred than the detector's."""
        return self._run(image, [_crop_around(mesh) for mesh in meshes])

    def _run(self, image: Image, crops: list[Transform]) -> list[tuple[Mesh, float]]:
        if not crops:
            return []
        batch = np.stack([similarity_transform.crop(image, crop, _SIZE) for crop in crops])
        outputs = self._network(np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32) / np.float32(255))
        points, logits = sorted((output.reshape(len(crops), -1) for output in outputs), key=lambda o: -o.shape[1])
        presences = sigmoid(logits[:, 0])
        meshes = []
        for mesh, crop, presence in zip(points, crops, presences, strict=True):
            meshes.append((_to_image(mesh.reshape(468, 3), crop), float(presence)))
        return meshes


def _crop_of(detection: Detection) -> Transform:
    right_eye, left_eye = detection.keypoints[0], detection.keypoints[1]
    side = _MARGIN * max(detection.box.width, detection.box.height, 1.0)
    return similarity_transform.square_crop(detection.box.centre, side, _angle(right_eye, left_eye), _SIZE)


def _crop_around(mesh: Mesh) -> Transform:
    angle = _angle(mesh[_RIGHT_EYE_CORNER, :2], mesh[_LEFT_EYE_CORNER, :2])
    turn = similarity_transform.square_crop((0, 0), 1, angle, 1)
    box = Box.around(similarity_transform.apply(turn, mesh[:, :2]))
    centre = similarity_transform.apply(similarity_transform.invert(turn), np.array([box.centre]))[0]
    side = _MARGIN * max(box.width, box.height, 1.0)
    return similarity_transform.square_crop((float(centre[0]), float(centre[1])), side, angle, _SIZE)


def _angle(right_eye: Tensor, left_eye: Tensor) -> float:
    x, y = left_eye - right_eye
    return math.atan2(float(y), float(x))


def _to_image(mesh: Tensor, crop: Transform) -> Mesh:
    plane = similarity_transform.apply(similarity_transform.invert(crop), mesh[:, :2])
    depth = mesh[:, 2] / similarity_transform.scale_of(crop)
    return np.column_stack([plane, depth]).astype(np.float32)
