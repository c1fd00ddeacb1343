"""SFace (Zhong et al., 2021), a MobileNet trained with a sigmoid-constrained loss: 128 numbers for a face."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.alignment import ARCFACE
from models.embedders.port import crops_of, embed_views
from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Network, Tensor


class SFace:
    """Input 112 × 112 RGB of 0…255, which the network itself scales, aligned as for ArcFace.

    OpenCV's weights of 2021 as OpenCV Zoo rounded them to blocks of 8 bits: an id of their own, because those that
    are not rounded give slightly other vectors.
    """

    model = "sface-int8"
    model_id = "sface-int8-1"
    dimension = 128

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._network = Network(path, threads=threads)

    def embed(self, image: Image, meshes: Sequence[Mesh], *, thorough: bool) -> Tensor:
        """Return unit vectors (N, 128); see the port. A thorough one takes in the mirror image."""
        if not meshes:
            return np.zeros((0, self.dimension), np.float32)
        return embed_views(self._network, crops_of(image, meshes, (ARCFACE,)), mirror=thorough)
