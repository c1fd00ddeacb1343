"""Templates as they travel: unit vectors in half precision. A controller gets none, and needs no NumPy."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate, pairwise
from uuid import UUID

import numpy as np
import numpy.typing as npt

Halves = npt.NDArray[np.float16]

_TOLERANCE = 0.05
"""How far from 1 the length of a vector may be that was rounded to half precision."""


class TemplateError(ValueError):
    """Something that travelled as a person's templates is none; the message names the person."""


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
    lengths = lengths_of(matrix)[:, np.newaxis]
    if not (np.abs(lengths - 1) < _TOLERANCE).all():
        raise ValueError("a template is no unit vector")
    unit: npt.NDArray[np.float32] = matrix / lengths
    return unit


def read_templates(people: Mapping[UUID, tuple[bytes, ...]]) -> dict[UUID, Halves]:
    """Return everybody's templates as they travelled, float16 (k, D), unit vectors within rounding.

    Those of one length are checked together and share one array: a directory has thousands.

    Raises:
        TemplateError: somebody's differ in length, or one is empty or no unit vector.
    """
    by_length: dict[int, list[UUID]] = {}
    for person, templates in people.items():
        lengths = {len(template) for template in templates}
        if len(lengths) != 1 or 0 in lengths or (length := lengths.pop()) % 2:
            raise TemplateError(f"person {person}: templates differ in length or are cut short")
        by_length.setdefault(length, []).append(person)
    found: dict[UUID, Halves] = {}
    for length, persons in by_length.items():
        joined = b"".join(template for person in persons for template in people[person])
        matrix = np.frombuffer(joined, "<f2").astype(np.float16, copy=False).reshape(-1, length // 2)
        ends = list(accumulate(len(people[person]) for person in persons))
        wrong = np.flatnonzero(~(np.abs(lengths_of(matrix.astype(np.float32)) - 1) < _TOLERANCE))
        if wrong.size:
            raise TemplateError(f"person {persons[bisect_right(ends, int(wrong[0]))]}: a template is no unit vector")
        found.update(zip(persons, (matrix[start:end] for start, end in pairwise([0, *ends])), strict=True))
    return found


def lengths_of(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the length of each row (N,) of a matrix (N, D), without a copy of it."""
    lengths: npt.NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    return lengths
