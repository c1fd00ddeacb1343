"""An embedder of one network: each of them says which views of a face its network gets, and how scaled."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from models.alignment import Alignment
from models.embedders.port import crops_of, embed_views
from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Network, Tensor


class SingleEmbedder:
    """A network of the catalogue. A thorough vector takes in `thorough_views`, and the mirror image of each view."""

    model: ClassVar[str]
    """Its name in the catalogue."""
    model_id: ClassVar[str]
    dimension: ClassVar[int]
    views: ClassVar[tuple[Alignment, ...]]
    """How a face is cut out."""
    thorough_views: ClassVar[tuple[Alignment, ...]] = ()
    """Beside those, for a thorough vector."""

    def __init__(self, path: Path, *, threads: int = 0, in_thorough_views: bool = True) -> None:
        """Load the ONNX file at `path`; `threads` is the number used, 0 meaning one for each core.

        Without `in_thorough_views` a thorough vector is of the views that every vector is of, and their mirror images.
        """
        self._network = Network(path, threads=threads)
        self._thorough_views = self.views + self.thorough_views if in_thorough_views else self.views

    def embed(self, image: Image, meshes: Sequence[Mesh], *, thorough: bool) -> Tensor:
        """Return unit vectors (N, `dimension`); see the port."""
        if not meshes:
            return np.zeros((0, self.dimension), np.float32)
        crops = crops_of(image, meshes, self._thorough_views if thorough else self.views)
        return embed_views(self._network, self._scale(crops), mirror=thorough)

    def _scale(self, crops: Tensor) -> Tensor:
        """Return what the network takes for crops (V, N, 3, size, size) of 0…255."""
        return crops
