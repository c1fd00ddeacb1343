"""A template: the vector that stands for a face, with the model that made it. Templates of two models never meet."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

_MAGIC = b"CGT1"
_HEADER = struct.Struct("<4sBH")
_UNIT_TOLERANCE = 1e-2
"""float16, the form in which templates travel, moves the length of a vector by less than this."""
_LEAST_MEAN = 1e-3
"""Length of a mean below which its direction is rounding error."""


class TemplateError(ValueError):
    """The bytes or the vector are no template; the message says why."""


class ModelMismatchError(ValueError):
    """Two templates of different models were to be compared."""

    def __init__(self, ours: str, theirs: str) -> None:
        super().__init__(
            f"a template of model {theirs!r} cannot be compared with one of {ours!r}: "
            "make it anew from the photo with the model in use"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """`vector` is float32 (D,) of length 1; `model_id` names the model and the version of its preprocessing."""

    model_id: str
    vector: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if not self.model_id or len(self.model_id.encode()) > 255:
            raise TemplateError("a template's model id has 1 to 255 bytes")
        vector = np.array(self.vector, dtype=np.float32)
        if vector.ndim != 1 or not 0 < vector.size < 65536:
            raise TemplateError(f"a template is a vector (D,), not an array of shape {vector.shape}")
        length = float(np.linalg.norm(vector))
        if not abs(length - 1) < _UNIT_TOLERANCE:
            raise TemplateError(f"a template has length 1, not {length:.4g}")
        vector /= np.float32(length)
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)

    def similarity(self, other: "Template") -> float:
        """Return the cosine, -1…1.

        Raises:
            ModelMismatchError: the other template was made by another model.
        """
        if self.model_id != other.model_id or self.vector.shape != other.vector.shape:
            raise ModelMismatchError(self.model_id, other.model_id)
        return float(np.clip(self.vector @ other.vector, -1, 1))

    def to_bytes(self) -> bytes:
        """Return magic, length of the id (1 byte), D (2 bytes), id, D float16; little-endian."""
        name = self.model_id.encode()
        return _HEADER.pack(_MAGIC, len(name), self.vector.size) + name + self.vector.astype("<f2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            TemplateError: the bytes are something else, or cut short.
        """
        if len(data) < _HEADER.size or data[:4] != _MAGIC:
            raise TemplateError("these bytes are no template: they do not begin with its mark")
        _, name_length, dimension = _HEADER.unpack_from(data)
        if len(data) != _HEADER.size + name_length + 2 * dimension:
            raise TemplateError("these bytes are no whole template: their length does not fit its header")
        start = _HEADER.size + name_length
        try:
            name = data[_HEADER.size : start].decode()
        except UnicodeDecodeError as error:
            raise TemplateError("these bytes are no template: the model id is not UTF-8") from error
        return cls(name, np.frombuffer(data, "<f2", offset=start).astype(np.float32))


def mean_template(templates: Sequence[Template]) -> Template:
    """Return the normalised mean of a person's `templates`, all of one model: steadier than each of them.

    Raises:
        ModelMismatchError: they are of different models.
        TemplateError: there is none, or they cancel each other out.
    """
    if not templates:
        raise TemplateError("a mean needs at least one template")
    first = templates[0]
    for other in templates[1:]:
        if (other.model_id, other.vector.shape) != (first.model_id, first.vector.shape):
            raise ModelMismatchError(first.model_id, other.model_id)
    if len(templates) == 1:
        return first
    mean = np.mean([template.vector for template in templates], axis=0)
    length = float(np.linalg.norm(mean))
    if length < _LEAST_MEAN:
        raise TemplateError("these templates cancel each other out: they are not of one face")
    return Template(first.model_id, mean / length)
