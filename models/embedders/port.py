"""The port of an embedder, and what all of them do to faces and vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from models.alignment import Alignment
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

    def embed(self, image: Image, meshes: Sequence[Mesh], *, thorough: bool) -> Tensor:
        """Return one unit vector for each mesh, (N, D).

        A `thorough` vector takes in more views of the same face: steadier, and slower. Both kinds may be compared.
        """


def unit(vectors: Tensor) -> Tensor:
    """Scale each row to length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Tensor = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def crops_of(image: Image, meshes: Sequence[Mesh], alignments: Sequence[Alignment]) -> Tensor:
    """Return each face in each alignment, float32 (alignments, N, 3, size, size) of 0…255."""
    views = np.array([[alignment.crop(image, mesh) for mesh in meshes] for alignment in alignments])
    return views.transpose(0, 1, 4, 2, 3).astype(np.float32)


def embed_views(network: Network, views: Tensor, *, mirror: bool) -> Tensor:
    """Run views (V, N, 3, H, W), with their mirror images if wanted; return unit vectors (N, D).

    The vector of a face is the mean direction over its views.
    """
    count, faces = views.shape[:2]
    crops = views.reshape(count * faces, *views.shape[2:])
    batch = np.concatenate([crops, crops[..., ::-1]]) if mirror else crops
    # One by one, a picture's tensors stay in the cache: a fifth less time than as one batch, and the same numbers.
    step = network.fixed_batch or 1
    found = [network(np.ascontiguousarray(batch[start : start + step]))[0] for start in range(0, len(batch), step)]
    vectors = np.concatenate(found).reshape(len(batch), -1)
    if mirror:
        vectors = vectors[: len(crops)] + vectors[len(crops) :]
    return unit(unit(vectors).reshape(count, faces, -1).sum(axis=0))
