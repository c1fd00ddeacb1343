"""dlib's serialised face recognition network (`.dat`) to ONNX, without dlib.

A network is written from its input to its output, every layer as its name, its parameters and its bookkeeping. Integers
are written as one byte — the low four bits count the bytes that follow, 0x80 marks a negative number — and these bytes,
little-endian. A string is its length and its bytes. A tensor is its format version (2), its four dimensions and raw
float32 values. (dlib: `serialize.h`, `cuda/tensor.h`, `dnn/layers.h`.)

The architecture is the one of `dnn_face_recognition_ex.cpp`: a ResNet of 29 convolutions, each followed by an affine
layer, which is folded into it here.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from models.convert.error import ConversionError
from models.convert.graph import GraphBuilder, Weights

_CONVOLUTIONS = 29
_INPUT_SIZE = 150
_DIMENSION = 128


@dataclass(frozen=True, slots=True)
class _Stage:
    """Residual blocks of one width; the first of them may halve the map ("down")."""

    channels: int
    blocks: int
    down: bool


_STAGES = (
    _Stage(32, 3, down=False),
    _Stage(64, 4, down=True),
    _Stage(128, 3, down=True),
    _Stage(256, 3, down=True),
    _Stage(256, 1, down=True),
)


def convert(source: Path) -> onnx.ModelProto:
    """Build the ONNX model: input (N, 3, 150, 150), RGB, (x - mean) / 256; output (N, 128), not normalised.

    Raises:
        ConversionError: the file is not this network.
    """
    weights = _Weights(_Reader(source.read_bytes()))
    graph = GraphBuilder("dlib-resnet", (3, _INPUT_SIZE, _INPUT_SIZE))
    x = graph.relu(_conv(graph, graph.input, weights, 3, 32, kernel=7, stride=2))
    x = graph.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
    side, channels = 35, 32
    for stage in _STAGES:
        for block in range(stage.blocks):
            if stage.down and block == 0:
                x, side = _down_block(graph, x, weights, channels=channels, filters=stage.channels, side=side)
            else:
                x = _block(graph, x, weights, stage.channels)
            channels = stage.channels
    x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x])])
    x = graph.linear(x, weights.fully_connected(channels))
    weights.end()
    return graph.model(x, (_DIMENSION,))


def _conv(
    graph: GraphBuilder,
    x: str,
    weights: "_Weights",
    channels: int,
    filters: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    padding: int = 0,
) -> str:
    matrix, bias = weights.convolution(channels, filters, kernel)
    return graph.conv(x, matrix, bias, stride=stride, padding=padding)


def _block(graph: GraphBuilder, x: str, weights: "_Weights", channels: int) -> str:
    inner = graph.relu(_conv(graph, x, weights, channels, channels, padding=1))
    inner = _conv(graph, inner, weights, channels, channels, padding=1)
    return graph.relu(graph.add(inner, x))


def _down_block(
    graph: GraphBuilder, x: str, weights: "_Weights", *, channels: int, filters: int, side: int
) -> tuple[str, int]:
    """Add a halving block; return its output and the side of its map.

    dlib adds tensors of different sizes by filling the smaller one with zeros behind the channels, below and to the
    right. The pooled shortcut keeps fewer channels; the convolution without padding may lose a row and a column.
    """
    inner = graph.relu(_conv(graph, x, weights, channels, filters, stride=2))
    inner = _conv(graph, inner, weights, filters, filters, padding=1)
    shortcut = graph.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    convolved, pooled = (side - 3) // 2 + 1, side // 2
    if missing := pooled - convolved:
        inner = graph.pad(inner, bottom=missing, right=missing)
    if filters > channels:
        shortcut = graph.pad(shortcut, channels=filters - channels)
    return graph.relu(graph.add(inner, shortcut)), pooled


class _Weights:
    """The parameters in the order of the file."""

    def __init__(self, reader: "_Reader") -> None:
        self._reader = reader
        self._read = 0

    def convolution(self, channels: int, filters: int, kernel: int) -> tuple[Weights, Weights]:
        """Return filters (out, in, height, width) and bias (out,) of the next convolution with its affine layer."""
        values = self._reader.parameters("con_4")
        gamma_and_beta = self._reader.parameters("affine_")
        self._read += 1
        count = filters * channels * kernel * kernel
        if len(values) != count + filters or len(gamma_and_beta) != 2 * filters:
            raise ConversionError(
                f"convolution {self._read} of the dlib network has {len(values)} parameters, not {count + filters}"
            )
        gamma, beta = gamma_and_beta[:filters], gamma_and_beta[filters:]
        matrix = values[:count].reshape(filters, channels, kernel, kernel) * gamma[:, None, None, None]
        return matrix, values[count:] * gamma + beta

    def fully_connected(self, inputs: int) -> Weights:
        """Return the last matrix (in, out)."""
        values = self._reader.parameters("fc_2", integers=2)
        if len(values) != inputs * _DIMENSION:
            raise ConversionError(f"the last layer of the dlib network has {len(values)} parameters")
        return values.reshape(inputs, _DIMENSION)

    def end(self) -> None:
        """Check that the network has no further layers."""
        if self._read != _CONVOLUTIONS or self._reader.has("con_4"):
            raise ConversionError("this dlib network has more layers than its face recognition network")


class _Reader:
    """A cursor in a dlib stream that jumps from layer to layer."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def has(self, layer: str) -> bool:
        """Tell whether a layer of this kind follows."""
        return self._data.find(_name(layer), self._at) >= 0

    def parameters(self, layer: str, *, integers: int = 0) -> Weights:
        """Jump to the next layer of this kind and return its parameters, skipping the integers before them."""
        start = self._data.find(_name(layer), self._at)
        if start < 0:
            raise ConversionError(f"no further layer {layer!r}: not dlib's face recognition network, or cut off")
        self._at = start + len(_name(layer))
        for _ in range(integers):
            self._integer()
        return self._tensor()

    def _tensor(self) -> Weights:
        version = self._integer()
        if version != 2:
            raise ConversionError(f"dlib tensor of format {version}; format 2 is known")
        dimensions = [self._integer() for _ in range(4)]
        count = int(np.prod(dimensions, dtype=np.int64))
        end = self._at + 4 * count
        if min(dimensions) < 0 or end > len(self._data):
            raise ConversionError("the dlib network is cut off in the middle of a layer")
        values = np.frombuffer(self._data, "<f4", count, self._at).astype(np.float32)
        self._at = end
        return values

    def _integer(self) -> int:
        if self._at >= len(self._data):
            raise ConversionError("the dlib network is cut off")
        head = self._data[self._at]
        count = head & 0x0F
        digits = self._data[self._at + 1 : self._at + 1 + count]
        if not 1 <= count <= 8 or len(digits) < count:
            raise ConversionError(f"no dlib integer at byte {self._at}")
        self._at += 1 + count
        value = int.from_bytes(digits, "little")
        return -value if head & 0x80 else value


def _name(layer: str) -> bytes:
    return bytes([1, len(layer)]) + layer.encode()
