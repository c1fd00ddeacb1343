"""Several networks as one embedder: they were trained on different people and err on different faces."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from models.embedders.port import Embedder
from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Tensor


class FusedEmbedder:
    """The vectors of several embedders, one behind the other.

    Each is scaled to the root of its weight, so that the cosine of two such vectors is the weighted mean of the
    networks' cosines, and a search remains one matrix product.
    """

    def __init__(self, parts: Sequence[Embedder], weights: Sequence[float], *, workers: int = 1) -> None:
        """Take the embedders and their weights, which add up to 1; `workers` of them run at once.

        Raises:
            ValueError: there are not as many weights as embedders, or they do not add up to 1.
        """
        if len(parts) != len(weights) or abs(sum(weights) - 1) > 1e-6:
            raise ValueError(f"{len(parts)} embedders need as many weights that add up to 1, not {list(weights)}")
        self._parts = tuple(parts)
        self._lengths = np.sqrt(np.array(weights, np.float32))
        self._pool = ThreadPoolExecutor(workers, "embedder") if workers > 1 else None
        self.model_id = "+".join(part.model_id for part in parts)
        self.dimension = sum(part.dimension for part in parts)

    def embed(self, image: Image, meshes: Sequence[Mesh], *, thorough: bool) -> Tensor:
        """Return unit vectors (N, D), D the sum of the networks' lengths; see the port."""
        first, *others = self._parts
        if self._pool is None:
            vectors = [part.embed(image, meshes, thorough=thorough) for part in self._parts]
        else:
            jobs = [self._pool.submit(part.embed, image, meshes, thorough=thorough) for part in others]
            vectors = [first.embed(image, meshes, thorough=thorough), *(job.result() for job in jobs)]
        return np.hstack([vector * length for vector, length in zip(vectors, self._lengths, strict=True)])
