"""dlib's face recognition ResNet (King, 2017), the network of `face_recognition`: 128 numbers for a face."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.alignment import DLIB
from models.embedders.port import crops_of, embed_views
from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Network, Tensor

_MEAN = np.array([122.782, 117.001, 104.298], np.float32).reshape(1, 3, 1, 1)
_SPREAD = np.float32(256)


class DlibResNet:
    """Input 150 × 150 RGB, (x - mean) / 256, aligned by the corners of the eyes and the base of the nose.

    Good for comparing two faces and for directories brought along from `face_recognition`; too coarse for finding one
    face among many.
    """

    model = "dlib-resnet"
    model_id = "dlib-resnet-1"
    dimension = 128

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._network = Network(path, threads=threads)

    def embed(self, image: Image, meshes: Sequence[Mesh], *, thorough: bool) -> Tensor:
        """Return unit vectors (N, 128); see the port. A thorough one takes in the mirror image."""
        if not meshes:
            return np.zeros((0, self.dimension), np.float32)
        views = crops_of(image, meshes, (DLIB,))
        return embed_views(self._network, (views - _MEAN) / _SPREAD, mirror=thorough)
