"""Templates as they travel: unit vectors in half precision. A controller gets none, and needs no NumPy."""

import numpy as np
import numpy.typing as npt


def pack_vector(vector: npt.NDArray[np.floating]) -> bytes:
    """Return a unit vector (D,) as it travels."""
    return vector.astype("<f2").tobytes()


def unpack_vectors(templates: tuple[bytes, ...]) -> npt.NDArray[np.float32]:
    """Return the templates as unit float32 (k, D); k = 0 gives shape (0, 0).

    Raises:
        ValueError: they differ in length, or one is empty or all zero.
    """
    if not templates:
        return np.empty((0, 0), np.float32)
    if len({len(template) for template in templates}) != 1 or len(templates[0]) % 2 or not templates[0]:
        raise ValueError("templates of one person differ in length or are cut short")
    matrix = np.frombuffer(b"".join(templates), "<f2").astype(np.float32).reshape(len(templates), -1)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not (np.abs(lengths - 1) < 0.05).all():
        raise ValueError("a template is no unit vector")
    unit: npt.NDArray[np.float32] = matrix / lengths
    return unit
