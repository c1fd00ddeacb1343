"""MobileFaceNet (Chen et al., 2018): 192 numbers for a face."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.alignment import ARCFACE
from models.embedders.port import embed_crops
from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Network, Tensor

_MIDDLE, _SPREAD = np.float32(127.5), np.float32(128)


class MobileFaceNet:
    """Input 112 × 112 RGB, (x - 127.5) / 128, aligned as for ArcFace."""

    model_id = "mobilefacenet-1"
    dimension = 192

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._network = Network(path, threads=threads)

    def embed(self, image: Image, meshes: Sequence[Mesh], *, mirror: bool) -> Tensor:
        """Return unit vectors (N, 192); see the port."""
        if not meshes:
            return np.zeros((0, self.dimension), np.float32)
        crops = np.stack([ARCFACE.crop(image, mesh) for mesh in meshes]).transpose(0, 3, 1, 2)
        return embed_crops(self._network, (crops.astype(np.float32) - _MIDDLE) / _SPREAD, mirror=mirror)
