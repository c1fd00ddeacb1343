"""Two networks as one embedder: they were trained on different people and err on different faces."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from models.embedders.dlib_resnet import DlibResNet
from models.embedders.mobilefacenet import MobileFaceNet
from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Tensor, thread_count

_FIRST, _SECOND = np.float32(np.sqrt(0.6)), np.float32(np.sqrt(0.4))


class FusedEmbedder:
    """MobileFaceNet's and dlib's vector, one behind the other.

    They are shortened to √0.6 and √0.4, so that the cosine of two such vectors is the weighted mean of the two
    networks' cosines, and a search remains one matrix product. More of the second finds a person among many more
    surely, more of the first tells two photographs apart more surely; between 1:1 and 2:1 little changes
    (`docs/models.md`).
    """

    model_id = f"{MobileFaceNet.model_id}+{DlibResNet.model_id}"
    dimension = MobileFaceNet.dimension + DlibResNet.dimension

    def __init__(self, mobilefacenet: Path, dlib_resnet: Path, *, threads: int = 0) -> None:
        threads = thread_count(threads)
        # Two networks side by side gain more from two cores than each of them would: they need not wait for each other.
        each = max(threads // 2, 1)
        self._first = MobileFaceNet(mobilefacenet, threads=each)
        self._second = DlibResNet(dlib_resnet, threads=each)
        self._pool = ThreadPoolExecutor(threads, "embedder") if threads > 1 else None

    def embed(self, image: Image, meshes: Sequence[Mesh], *, thorough: bool) -> Tensor:
        """Return unit vectors (N, 320); see the port."""
        if self._pool is None:
            second = self._second.embed(image, meshes, thorough=thorough)
            first = self._first.embed(image, meshes, thorough=thorough)
        else:
            job = self._pool.submit(self._second.embed, image, meshes, thorough=thorough)
            first = self._first.embed(image, meshes, thorough=thorough)
            second = job.result()
        return np.hstack([first * _FIRST, second * _SECOND])
