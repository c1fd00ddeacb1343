"""PyTorch's legacy files: read without PyTorch, and without running anything; MiniFASNet built from them."""

import os
import pickle
import struct
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.convert import CONVERTERS, ConversionError, minifasnet
from models.convert.torch_legacy import read_state_dict

MAGIC, PROTOCOL, SYSTEM = 0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}


class Stored:
    """A tensor to be written the way PyTorch wrote it."""

    def __init__(self, values: np.ndarray, *, shape: tuple[int, ...] | None = None, offset: int = 0) -> None:
        self.values = values
        self.shape = shape or values.shape
        self.offset = offset


@pytest.fixture
def save(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Writes a state dict in the legacy format; the classes it names exist only while it is written."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    utils._rebuild_tensor_v2 = lambda *_: None
    utils._rebuild_tensor_v2.__module__ = "torch._utils"
    utils._rebuild_tensor_v2.__qualname__ = utils._rebuild_tensor_v2.__name__ = "_rebuild_tensor_v2"

    class Pickler(pickle.Pickler):
        def reducer_override(self, value: Any) -> Any:
            if not isinstance(value, Stored):
                return NotImplemented
            strides = tuple(int(np.prod(value.shape[axis + 1 :])) for axis in range(len(value.shape)))
            arguments = (Reference(value), value.offset, value.shape, strides, False, OrderedDict())
            return utils._rebuild_tensor_v2, arguments

        def persistent_id(self, value: Any) -> Any:
            if not isinstance(value, Reference):
                return None
            values = value.stored.values
            return ("storage", torch.FloatStorage, str(id(value.stored)), "cpu", values.size, None)

    class Reference:
        def __init__(self, stored: Stored) -> None:
            self.stored = stored

    def write(state: dict[str, Any], *, system: dict[str, Any] = SYSTEM, magic: int = MAGIC) -> Path:
        monkeypatch.setitem(sys.modules, "torch", torch)
        monkeypatch.setitem(sys.modules, "torch._utils", utils)
        stored = [value for value in state.values() if isinstance(value, Stored)]
        path = tmp_path / "weights.pth"
        with path.open("wb") as file:
            for value in (magic, PROTOCOL, system, OrderedDict(state), [str(id(one)) for one in stored]):
                Pickler(file, protocol=2).dump(value)
            for one in stored:
                file.write(struct.pack("<q", one.values.size) + one.values.astype("<f4").tobytes())
        monkeypatch.delitem(sys.modules, "torch._utils")
        monkeypatch.delitem(sys.modules, "torch")
        return path

    return write


def test_tensors_are_read_with_their_shape_and_offset(save) -> None:
    numbers = np.arange(24, dtype=np.float32)
    got = read_state_dict(save({"a": Stored(numbers.reshape(2, 3, 4)), "b": Stored(numbers, shape=(2, 3), offset=6)}))
    np.testing.assert_array_equal(got["a"], numbers.reshape(2, 3, 4))
    np.testing.assert_array_equal(got["b"], numbers[6:12].reshape(2, 3))


class Hostile:
    """Would make a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_hostile_pickle_is_refused_and_runs_nothing(save, tmp_path: Path) -> None:
    made = tmp_path / "made-by-the-pickle"
    path = save({"weight": Hostile(made)})
    with pytest.raises(ConversionError, match=r"(posix|nt)\.mkdir.*refused"):
        read_state_dict(path)
    assert not made.exists()


@pytest.mark.parametrize(
    "module_and_name", ["builtins\neval", "torch\nload", "torch.serialization\nload", "os\nsystem"]
)
def test_no_other_function_can_be_named(module_and_name: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"\x80\x02c" + module_and_name.encode() + b"\nX\x04\x00\x00\x00exit\x85R.")
    with pytest.raises(ConversionError, match="refused"):
        read_state_dict(path)


def test_a_tensor_outside_its_storage_is_refused(save) -> None:
    with pytest.raises(ConversionError, match="outside its storage"):
        read_state_dict(save({"a": Stored(np.zeros(4, np.float32), shape=(3,), offset=2)}))


def test_a_big_endian_file_is_refused(save) -> None:
    with pytest.raises(ConversionError, match="big-endian"):
        read_state_dict(save({}, system={"little_endian": False}))


def test_another_format_is_refused(save, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="legacy format"):
        read_state_dict(save({}, magic=7))
    text = tmp_path / "text.pth"
    text.write_text("no weights at all")
    with pytest.raises(ConversionError, match=r"text\.pth cannot be read"):
        read_state_dict(text)


def test_what_is_no_tensor_is_refused(save) -> None:
    with pytest.raises(ConversionError, match="epoch is no tensor"):
        read_state_dict(save({"epoch": 3}))


def test_a_cut_off_file_is_refused(save) -> None:
    path = save({"a": Stored(np.zeros(1000, np.float32))})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConversionError, match="cut off"):
        read_state_dict(path)


def test_other_weights_are_no_minifasnet(save) -> None:
    with pytest.raises(ConversionError, match=r"conv1\.conv\.weight"):
        minifasnet.convert(save({"fc.weight": Stored(np.zeros((2, 2), np.float32))}))


# Computed once with PyTorch 2.13 from the published weights, on the pictures of `waves`.
EXPECTED = {
    "minifasnet-v2": [
        [0.0001833110727602616, 0.5898386836051941, 0.4099779725074768],
        [2.120022600138327e-06, 0.6196915507316589, 0.3803063631057739],
        [4.4398530008038506e-05, 0.17001651227474213, 0.8299391269683838],
        [0.00022075051674619317, 0.1378086358308792, 0.8619706034660339],
    ],
    "minifasnet-v1se": [
        [5.629887891700491e-05, 0.0376494862139225, 0.9622941613197327],
        [1.81484119821107e-05, 0.022451724857091904, 0.9775300621986389],
        [5.512678035302088e-05, 0.05054464936256409, 0.9494002461433411],
        [2.044075336016249e-05, 0.10850662738084793, 0.8914729356765747],
    ],
}


def waves() -> np.ndarray:
    """Four pictures of crossing waves, float32 (4, 3, 80, 80)."""
    y, x = np.mgrid[0:80, 0:80].astype(np.float32)
    return np.array(
        [
            [127 + 120 * np.sin((y * (channel + 1) + x * (k + 1)) / (9 + 4 * k)) for channel in range(3)]
            for k in range(4)
        ],
        np.float32,
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_converted_network_equals_pytorch(name: str, model_source, tmp_path: Path, run_onnx) -> None:
    target = tmp_path / "model.onnx"
    CONVERTERS["minifasnet"].convert(model_source(name), target)
    got = run_onnx(target, waves())[0]
    np.testing.assert_allclose(got, EXPECTED[name], atol=2e-6)
