"""The port of an embedder, and what all of them do to a batch of vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from models.landmarks import Mesh
from models.pixels import Image
from models.runtime import Network, Tensor


class Embedder(Protocol):
    """Turns the faces of an image, given by their meshes, into vectors."""

    @property
    def model_id(self) -> str:
        """Name and version of network and preprocessing; vectors of two ids are never compared."""

    @property
    def dimension(self) -> int:
        """The length D of a vector."""

    def embed(self, image: Image, meshes: Sequence[Mesh], *, mirror: bool) -> Tensor:
        """Return one unit vector for each mesh, (N, D).

        With `mirror` the vector is the mean over the face and its mirror image: better by a little, at twice the time.
        """


def unit(vectors: Tensor) -> Tensor:
    """Scale each row to length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Tensor = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def embed_crops(network: Network, crops: Tensor, *, mirror: bool) -> Tensor:
    """Run crops (N, 3, H, W), and their mirror images if wanted, as one batch; return unit vectors (N, D)."""
    count = len(crops)
    batch = np.concatenate([crops, crops[..., ::-1]]) if mirror else crops
    outputs = network(np.ascontiguousarray(batch, np.float32))[0]
    vectors = outputs.reshape(len(batch), -1)
    return unit(vectors[:count] + vectors[count:]) if mirror else unit(vectors)
