"""MiniFASNet (Silent-Face-Anti-Spoofing) to ONNX: V2, and V1SE with squeeze and excitation.

The network is a chain of depth-wise separable bottlenecks, whose widths and attention modules are told by the names and
shapes of its weights. Every convolution is followed by a batch normalisation, which is folded into it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from models.convert.channels import fill_channels
from models.convert.error import ConversionError
from models.convert.graph import GraphBuilder, Weights
from models.convert.torch_legacy import read_state_dict

_INPUT_SIZE = 80
_CLASSES = 3
_EPSILON = 1e-5
"""PyTorch's default of a batch normalisation."""
_PREFIX = "module."
"""Left by `DataParallel`, under which the published weights were trained."""


def convert(source: Path) -> onnx.ModelProto:
    """Build the ONNX model: input (N, 3, 80, 80), BGR, 0–255; output (N, 3) class probabilities, of which 1 is "live".

    Raises:
        ConversionError: the file is not such a network.
    """
    weights = _Weights({name.removeprefix(_PREFIX): value for name, value in read_state_dict(source).items()})
    graph = GraphBuilder("minifasnet", (3, _INPUT_SIZE, _INPUT_SIZE))
    x = _conv_block(graph, graph.input, weights, "conv1", stride=2)
    x = _conv_block(graph, x, weights, "conv2_dw")
    for down, stage in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
        x = _bottleneck(graph, x, weights, down, stride=2)
        for block in range(weights.count(f"{stage}.model")):
            x = graph.add(x, _bottleneck(graph, x, weights, f"{stage}.model.{block}"))
    x = _conv_block(graph, x, weights, "conv_6_sep")
    x = graph.node("Flatten", [_conv_block(graph, x, weights, "conv_6_dw", padded=False)])
    matrix, bias = weights.head()
    x = graph.node("Softmax", [graph.linear(x, matrix, bias)], axis=1)
    weights.end()
    model = graph.model(x, (_CLASSES,))
    fill_channels(model)
    return model


def _bottleneck(graph: GraphBuilder, x: str, weights: "_Weights", name: str, *, stride: int = 1) -> str:
    x = _conv_block(graph, x, weights, f"{name}.conv")
    x = _conv_block(graph, x, weights, f"{name}.conv_dw", stride=stride)
    x = _conv_block(graph, x, weights, f"{name}.project")
    if weights.has(f"{name}.se_module.fc1.weight"):
        x = _squeeze_and_excite(graph, x, weights, f"{name}.se_module")
    return x


def _conv_block(
    graph: GraphBuilder, x: str, weights: "_Weights", name: str, *, stride: int = 1, padded: bool = True
) -> str:
    filters, bias = weights.convolution(f"{name}.conv", f"{name}.bn")
    depthwise = filters.shape[1] == 1
    padding = filters.shape[2] // 2 if padded else 0
    x = graph.conv(x, filters, bias, stride=stride, padding=padding, group=len(filters) if depthwise else 1)
    if not weights.has(f"{name}.prelu.weight"):
        return x
    return graph.prelu(x, weights.take(f"{name}.prelu.weight"))


def _squeeze_and_excite(graph: GraphBuilder, x: str, weights: "_Weights", name: str) -> str:
    squeezed = graph.node("GlobalAveragePool", [x])
    squeezed = graph.relu(graph.conv(squeezed, *weights.convolution(f"{name}.fc1", f"{name}.bn1")))
    squeezed = graph.conv(squeezed, *weights.convolution(f"{name}.fc2", f"{name}.bn2"))
    return graph.node("Mul", [x, graph.node("Sigmoid", [squeezed])])


@dataclass(frozen=True, slots=True)
class _Normalisation:
    """A batch normalisation as `x * scale + shift`, (C,) each."""

    scale: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]


class _Weights:
    """The tensors of the state dict, each to be used once."""

    def __init__(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        self._tensors = dict(tensors)

    def has(self, name: str) -> bool:
        """Tell whether there is a tensor of this name."""
        return name in self._tensors

    def count(self, sequence: str) -> int:
        """Return the number of modules in a sequence."""
        start = sequence.count(".") + 1
        indices = {name.split(".")[start] for name in self._tensors if name.startswith(f"{sequence}.")}
        return len(indices)

    def take(self, name: str) -> Weights:
        """Return the tensor `name`."""
        try:
            return np.asarray(self._tensors.pop(name), np.float32)
        except KeyError:
            raise ConversionError(f"the weights have no {name}: this is no MiniFASNet") from None

    def convolution(self, name: str, normalisation: str) -> tuple[Weights, Weights]:
        """Return filters and bias of a convolution with its batch normalisation folded into it."""
        filters = self.take(f"{name}.weight")
        if filters.ndim != 4:
            raise ConversionError(f"{name} is no convolution: its weights have shape {filters.shape}")
        folded = self._normalisation(normalisation)
        return (filters * folded.scale[:, None, None, None]).astype(np.float32), folded.shift.astype(np.float32)

    def head(self) -> tuple[Weights, Weights]:
        """Return matrix (in, classes) and bias (classes,) of the last layers: linear, batch normalisation, linear."""
        linear, classifier = self.take("linear.weight"), self.take("prob.weight")
        folded = self._normalisation("bn")
        if classifier.shape[0] != _CLASSES:
            raise ConversionError(f"the network tells {classifier.shape[0]} classes apart, not {_CLASSES}")
        matrix = classifier @ (linear * folded.scale[:, None])
        return matrix.T.astype(np.float32), (classifier @ folded.shift).astype(np.float32)

    def _normalisation(self, name: str) -> _Normalisation:
        self._tensors.pop(f"{name}.num_batches_tracked", None)
        weight, bias, mean, variance = (
            self.take(f"{name}.{part}").astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / np.sqrt(variance + _EPSILON)
        return _Normalisation(scale, bias - mean * scale)

    def end(self) -> None:
        """Check that every tensor has been used."""
        if self._tensors:
            raise ConversionError(f"the weights hold more than a MiniFASNet: {min(self._tensors)}")
