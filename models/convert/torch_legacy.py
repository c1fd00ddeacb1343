"""Weights saved by PyTorch before 1.6, read without PyTorch and without running what a pickle may carry.

Such a file is a sequence of pickles — a magic number, the protocol version, facts about the writing machine, the state
dict, the keys of its storages — followed by each storage as a 64-bit count and raw values, in the order of the keys.
A pickle can call any function; the unpickler here knows three kinds of object and refuses all others.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.convert.error import ConversionError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_STORAGE_TYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_state_dict(source: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of the file by name.

    Raises:
        ConversionError: it is no such file, holds anything but a flat state dict, or is cut off.
    """
    stream = io.BytesIO(source.read_bytes())
    try:
        return _read(stream)
    except ConversionError:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise ConversionError(f"{source.name} cannot be read: {type(error).__name__}: {error}") from error


def _read(stream: io.BytesIO) -> dict[str, npt.NDArray[Any]]:
    storages: dict[str, _Storage] = {}
    if _load(stream, storages) != _MAGIC or _load(stream, storages) != _PROTOCOL:
        raise ConversionError("this is no file of PyTorch's legacy format")
    if _load(stream, storages).get("little_endian") is not True:
        raise ConversionError("the weights were written on a big-endian machine")
    state = _load(stream, storages)
    for key in _load(stream, storages):
        storages[key].read(stream)
    if not isinstance(state, Mapping):
        raise ConversionError("the file holds no state dict")
    return {str(name): _tensor(name, value) for name, value in state.items()}


def _load(stream: io.BytesIO, storages: "dict[str, _Storage]") -> Any:
    return _Unpickler(stream, storages).load()


def _tensor(name: str, value: object) -> npt.NDArray[Any]:
    if not isinstance(value, _Tensor):
        raise ConversionError(f"{name} is no tensor")
    return value.array()


class _StorageType:
    """Stands for `torch.FloatStorage` and its kin."""

    def __init__(self, name: str) -> None:
        self.dtype: np.dtype[Any] = _STORAGE_TYPES[name]


class _Storage:
    """The values of one or several tensors; they follow the pickles in the file."""

    def __init__(self, dtype: np.dtype[Any], count: int) -> None:
        self._dtype = dtype
        self._count = count
        self.values: npt.NDArray[Any] | None = None

    def read(self, stream: io.BytesIO) -> None:
        count = int.from_bytes(stream.read(8), "little", signed=True)
        if count != self._count:
            raise ConversionError(f"a storage of {count} values where {self._count} are announced")
        data = stream.read(count * self._dtype.itemsize)
        if len(data) < count * self._dtype.itemsize:
            raise ConversionError("the file is cut off in the middle of a tensor")
        self.values = np.frombuffer(data, self._dtype)


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> npt.NDArray[Any]:
        values = self.storage.values
        if values is None:
            raise ConversionError("the file is cut off before a tensor's values")
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        negative = min((self.offset, *self.shape, *self.strides)) < 0
        if negative or last >= len(values) or len(self.shape) != len(self.strides):
            raise ConversionError("a tensor lies outside its storage")
        steps = [step * values.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: Sequence[int], strides: Sequence[int], *_: object
) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise ConversionError("a tensor without a storage")
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, storages: dict[str, _Storage]) -> None:
        super().__init__(stream)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a class or function that the pickle names."""
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _rebuild_tensor
            case "torch", storage if storage in _STORAGE_TYPES:
                return _StorageType(storage)
        raise ConversionError(f"the file wants to run {module}.{name}, which no weights need: refused")

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that the pickle refers to."""
        kind, storage_type, key, _location, count, *_ = pid
        if kind != "storage" or not isinstance(storage_type, _StorageType):
            raise ConversionError(f"the file refers to {kind!r}, which is no storage")
        return self._storages.setdefault(key, _Storage(storage_type.dtype, int(count)))
