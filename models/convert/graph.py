"""A small builder of ONNX graphs for converters that read weights and know the architecture.

Every method appends one node and returns the name of its output. Weights are float32; names are counted, so that the
same weights give the same bytes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Weights = npt.NDArray[np.float32]

OPSET = 17
BATCH = "batch"
"""The name of the free first dimension of every input and output."""


class GraphBuilder:
    """Collects nodes and initialisers of one graph with one input, named `input`."""

    def __init__(self, name: str, input_shape: Sequence[int]) -> None:
        """`input_shape` is (channels, height, width); the batch dimension is added and free."""
        self._name = name
        self._input = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [BATCH, *input_shape])
        self._nodes: list[onnx.NodeProto] = []
        self._initialisers: list[onnx.TensorProto] = []

    @property
    def input(self) -> str:
        """The name of the graph's input."""
        return self._input.name

    def node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Append a node with one output."""
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, values: npt.NDArray[np.generic]) -> str:
        """Add an initialiser."""
        name = f"constant_{len(self._initialisers)}"
        self._initialisers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def conv(
        self,
        x: str,
        filters: Weights,
        bias: Weights | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        group: int = 1,
    ) -> str:
        """Convolve with `filters` (out, in / group, height, width)."""
        inputs = [x, self.constant(filters.astype(np.float32))]
        if bias is not None:
            inputs.append(self.constant(bias.astype(np.float32)))
        return self.node(
            "Conv",
            inputs,
            kernel_shape=list(filters.shape[2:]),
            strides=[stride, stride],
            pads=[padding] * 4,
            group=group,
        )

    def relu(self, x: str) -> str:
        """Rectify."""
        return self.node("Relu", [x])

    def prelu(self, x: str, slopes: Weights) -> str:
        """Rectify, with one slope (C,) for the negative values of each channel."""
        return self.node("PRelu", [x, self.constant(slopes.astype(np.float32).reshape(-1, 1, 1))])

    def add(self, x: str, y: str) -> str:
        """Add two tensors of one shape."""
        return self.node("Add", [x, y])

    def pad(self, x: str, *, channels: int = 0, bottom: int = 0, right: int = 0) -> str:
        """Append zeros behind the channels, below and to the right."""
        return self.node("Pad", [x, self.constant(np.array([0, 0, 0, 0, 0, channels, bottom, right], np.int64))])

    def linear(self, x: str, matrix: Weights, bias: Weights | None = None) -> str:
        """Multiply (N, in) by `matrix` (in, out) and add `bias` (out,)."""
        inputs = [x, self.constant(matrix.astype(np.float32))]
        if bias is not None:
            inputs.append(self.constant(bias.astype(np.float32)))
        return self.node("Gemm", inputs)

    def model(self, output: str, output_shape: Sequence[int]) -> onnx.ModelProto:
        """Return the checked model whose one output (batch, *output_shape) is the tensor `output`."""
        self._nodes.append(helper.make_node("Identity", [output], ["output"], name="output"))
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [self._input],
            [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, [BATCH, *output_shape])],
            self._initialisers,
        )
        model = helper.make_model(
            graph, producer_name="campusgate", opset_imports=[helper.make_operatorsetid("", OPSET)], ir_version=8
        )
        onnx.checker.check_model(model, full_check=True)
        return model
