"""MobileFaceNet (Chen et al., 2018): 192 numbers for a face."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.alignment import ARCFACE
from models.embedders.port import crops_of, embed_views
from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Network, Tensor

_MIDDLE, _SPREAD = np.float32(127.5), np.float32(128)
_QUICK = (ARCFACE,)
_THOROUGH = (ARCFACE, ARCFACE.scaled(0.94), ARCFACE.scaled(1.06))


class MobileFaceNet:
    """Input 112 × 112 RGB, (x - 127.5) / 128, aligned as for ArcFace.

    A thorough vector also takes in the face a little smaller, a little larger, and the mirror images of all three.
    """

    model = "mobilefacenet"
    model_id = "mobilefacenet-1"
    dimension = 192

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._network = Network(path, threads=threads)

    def embed(self, image: Image, meshes: Sequence[Mesh], *, thorough: bool) -> Tensor:
        """Return unit vectors (N, 192); see the port."""
        if not meshes:
            return np.zeros((0, self.dimension), np.float32)
        views = crops_of(image, meshes, _THOROUGH if thorough else _QUICK)
        return embed_views(self._network, (views - _MIDDLE) / _SPREAD, mirror=thorough)
