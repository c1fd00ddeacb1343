"""Rewrites activations of a converted network into operators that ONNX Runtime runs in its blocked layout.

On the processor ONNX Runtime keeps the tensors of convolutions in blocks of channels (NCHWc) as long as every
operator between them knows that layout. PReLU does not, so each one costs two reorderings: MobileFaceNet and the face
mesh, where it follows every convolution, spend half their time on them. The same function written with Relu and 1 × 1
depthwise convolutions stays in blocks.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from models.convert.nodes import read_constants, replace_nodes

Slope: TypeAlias = npt.NDArray[np.float64]

_LEAST_SLOPE = 1e-6
"""A convolution is not scaled by less: where a slope is 0, x < 0 gives x / 1,000,000 instead of 0."""


def fold_prelu(model: onnx.ModelProto) -> int:
    """Turn relu(x) + slope · (x - |x|), which is how TFLite files spell PReLU, into PRelu nodes, in place.

    The slope of the pattern is half of PReLU's, because x - |x| is 2x for negative x. Returns how many were folded.
    """
    constants = read_constants(model.graph)
    maker = {output: node for node in model.graph.node for output in node.output}
    gone: set[str] = set()
    folded = 0
    for node in model.graph.node:
        found = _spelled_prelu(node, maker, constants)
        if found is None:
            continue
        source, slope, parts = found
        name = f"{node.output[0]}/slope"
        # PRelu broadcasts its slope over the batch: (C, 1, 1).
        model.graph.initializer.append(numpy_helper.from_array((2 * slope).reshape(-1, 1, 1), name))
        node.op_type = "PRelu"
        node.ClearField("attribute")
        node.input[:] = [source, name]
        gone.update(output for part in parts for output in part.output)
        folded += 1
    _drop(model, gone)
    return folded


def expand_prelu(model: onnx.ModelProto) -> int:
    """Write PReLU with Relu and scalings, in place; returns how many were expanded.

    Only those with one slope for each channel, the form that networks for faces use. ONNX Runtime runs a scaling
    together with the Relu or the addition after it, so the first two of these forms cost two operators, the last three:

    - slope · x + relu((1 - slope) · x), where no slope is above 1.
    - z + k · relu(±z) with z = slope · x, the slope's sign, and k = (1 - slope) / |slope|, where x comes from a
      convolution that nothing else reads and that can give z in its place.
    - slope · x + (1 - slope) · relu(x).
    """
    constants = read_constants(model.graph)
    readers = Counter(name for node in model.graph.node for name in node.input)
    readers.update(value.name for value in model.graph.output)
    convolutions: dict[str, onnx.NodeProto] = {}
    nodes: list[onnx.NodeProto] = []
    expanded = 0
    for node in model.graph.node:
        slope = constants.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is None or slope.ndim not in (3, 4) or slope.size != slope.shape[-3]:
            nodes.append(node)
            if node.op_type == "Conv" and readers[node.output[0]] == 1 and node.input[1] in constants:
                convolutions[node.output[0]] = node
            continue
        convolution = convolutions.get(node.input[0])
        nodes += _expansion(model, node, slope.reshape(-1).astype(np.float64), convolution, constants)
        expanded += 1
    replace_nodes(model.graph, nodes)
    return expanded


def _expansion(
    model: onnx.ModelProto,
    node: onnx.NodeProto,
    slope: Slope,
    convolution: onnx.NodeProto | None,
    constants: Mapping[str, np.ndarray],
) -> list[onnx.NodeProto]:
    """Return the nodes that give what the PReLU `node` gives; `convolution` makes its input and may be scaled."""
    x, output = node.input[0], node.output[0]
    linear, positive, relu = f"{output}/linear", f"{output}/positive", f"{output}/relu"
    if slope.max() <= 1:
        return [
            _scaling(model, x, 1 - slope, positive),
            helper.make_node("Relu", [positive], [relu]),
            _scaling(model, x, slope, linear),
            helper.make_node("Add", [linear, relu], [output]),
        ]
    if convolution is not None:
        slope = np.copysign(np.maximum(np.abs(slope), _LEAST_SLOPE), slope)
        _scale_output(model, convolution, slope, constants)
        return [
            _scaling(model, x, np.sign(slope), f"{output}/side"),
            helper.make_node("Relu", [f"{output}/side"], [relu]),
            _scaling(model, relu, (1 - slope) / np.abs(slope), positive),
            helper.make_node("Add", [positive, x], [output]),
        ]
    return [
        helper.make_node("Relu", [x], [relu]),
        _scaling(model, x, slope, linear),
        _scaling(model, relu, 1 - slope, positive),
        helper.make_node("Add", [linear, positive], [output]),
    ]


def _scaling(model: onnx.ModelProto, source: str, factor: Slope, output: str) -> onnx.NodeProto:
    """Return a 1 × 1 depthwise convolution that multiplies each channel by its factor (C)."""
    kernel = factor.reshape(-1, 1, 1, 1).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(kernel, f"{output}/kernel"))
    return helper.make_node("Conv", [source, f"{output}/kernel"], [output], group=factor.size, kernel_shape=[1, 1])


def _scale_output(
    model: onnx.ModelProto, convolution: onnx.NodeProto, factor: Slope, constants: Mapping[str, np.ndarray]
) -> None:
    """Let a convolution multiply each of its output channels by its factor (C), with weights of its own."""
    for index, name in enumerate(list(convolution.input)[1:], start=1):
        weights = constants[name]
        scaled = (weights * factor.reshape(-1, *[1] * (weights.ndim - 1))).astype(np.float32)
        convolution.input[index] = f"{convolution.output[0]}/scaled_{index}"
        model.graph.initializer.append(numpy_helper.from_array(scaled, convolution.input[index]))


def _spelled_prelu(
    node: onnx.NodeProto, maker: dict[str, onnx.NodeProto], constants: Mapping[str, np.ndarray]
) -> tuple[str, np.ndarray, list[onnx.NodeProto]] | None:
    """Return source, slope (C) and the nodes that spell the PReLU whose last addition is `node`; None if it is none."""
    relu, scaled = _pair(node, "Add", maker, "Relu", "Mul")
    if relu is None or scaled is None:
        return None
    parts = [relu, scaled]
    difference = next((maker[name] for name in scaled.input if name in maker and maker[name].op_type == "Sub"), None)
    factor = next((name for name in scaled.input if difference is None or name not in difference.output), None)
    if difference is None or factor is None:
        return None
    if factor in maker and maker[factor].op_type == "Reshape":
        parts.append(maker[factor])
        factor = maker[factor].input[0]
    absolute = maker.get(difference.input[1])
    source = relu.input[0]
    if absolute is None or absolute.op_type != "Abs" or factor not in constants:
        return None
    if difference.input[0] != source or absolute.input[0] != source:
        return None
    return source, constants[factor].reshape(-1).astype(np.float32), [*parts, difference, absolute]


def _pair(
    node: onnx.NodeProto, operator: str, maker: dict[str, onnx.NodeProto], first: str, second: str
) -> tuple[onnx.NodeProto | None, onnx.NodeProto | None]:
    """Return the makers of the two inputs of `node`, the one of type `first` first."""
    if node.op_type != operator:
        return None, None
    by_type = {maker[name].op_type: maker[name] for name in node.input if name in maker}
    return by_type.get(first), by_type.get(second)


def _drop(model: onnx.ModelProto, outputs: set[str]) -> None:
    replace_nodes(model.graph, (node for node in model.graph.node if not outputs.intersection(node.output)))
