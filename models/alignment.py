"""Where an embedder wants the points of a face to lie, and the crops that put them there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import similarity_transform
from models.landmarks import Mesh
from models.pixels import Image
from models.similarity_transform import Transform


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A crop of `size` pixels in which each group of mesh points has its mean at the target of that row."""

    size: int
    groups: tuple[tuple[int, ...], ...]
    targets: npt.NDArray[np.float64]

    def transform(self, mesh: Mesh) -> Transform:
        """Return the similarity that carries `mesh` (468, 3) to the targets as well as one can."""
        points = np.array([mesh[list(group), :2].mean(axis=0) for group in self.groups])
        return similarity_transform.estimate(points, self.targets)

    def scaled(self, factor: float) -> "Alignment":
        """Return the alignment that shows the face `factor` times as large."""
        middle = self.size / 2
        return Alignment(self.size, self.groups, (self.targets - middle) * factor + middle)

    def crop(self, image: Image, mesh: Mesh) -> Image:
        """Return the aligned face, uint8 (size, size, 3)."""
        return similarity_transform.crop(image, self.transform(mesh), self.size)


ARCFACE = Alignment(
    size=112,
    groups=((33, 133), (362, 263), (1,), (61,), (291,)),
    targets=np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    ),
)
"""Eyes, nose and corners of the mouth as the ArcFace family was trained on (Deng et al., 2019)."""

_DLIB_SIZE, _DLIB_PADDING = 150, 0.25
_DLIB_POINTS = np.array([[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]])
DLIB = Alignment(
    size=_DLIB_SIZE,
    groups=((263,), (362,), (33,), (133,), (2,)),
    targets=(_DLIB_POINTS + _DLIB_PADDING) / (1 + 2 * _DLIB_PADDING) * _DLIB_SIZE,
)
"""Corners of the eyes and base of the nose in the padded chip that `face_recognition` cuts (dlib, `get_face_chip`)."""
