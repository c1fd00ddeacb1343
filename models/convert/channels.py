"""Fills the channels of a network up to whole blocks of ONNX Runtime's layout.

On the processor ONNX Runtime keeps the tensors of convolutions in blocks of channels (NCHWc) and leaves that layout
where a width is no multiple of the block. Pruned networks have widths such as 13 and 103; filled up they take half the
time.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper, shape_inference

from models.convert.nodes import read_attribute, read_constants, replace_nodes

_BLOCK = 16
"""Channels in a block, at most."""
_CHANNELWISE = {"Add", "GlobalAveragePool", "MaxPool", "Mul", "PRelu", "Relu", "Sigmoid"}
"""Operators that mix no channels, so that all their tensors are equally wide."""

Values = npt.NDArray[np.generic]


def fill_channels(model: onnx.ModelProto) -> int:
    """Widen the tensors between convolutions to whole blocks of channels, in place; returns how many were widened.

    The filters that are added are zeros, and so are the weights with which the next convolution reads what they give:
    the results are the same. Inputs, outputs and whatever other layers read keep their widths.
    """
    constants = read_constants(model.graph)
    fixed = _fixed_tensors(model.graph, constants)
    filled: dict[str, Values] = {}
    widened = 0
    for node in model.graph.node:
        if node.op_type == "PRelu" and node.output[0] not in fixed:
            filled[node.input[1]] = _fill(constants[node.input[1]], -3)
        elif node.op_type == "Conv" and not fixed.issuperset([node.input[0], node.output[0]]):
            widened += _fill_convolution(node, constants, filled, fixed)
    for constant in model.graph.initializer:
        if constant.name in filled:
            constant.CopyFrom(numpy_helper.from_array(filled[constant.name], constant.name))
    del model.graph.value_info[:]
    return widened


def pad_by_convolution(model: onnx.ModelProto) -> int:
    """Let 1 × 1 convolutions append channels of zeros, in place; returns how many paddings they replaced.

    Residual networks pad what they add to a wider tensor. ONNX Runtime leaves its layout for a padding, and runs a
    convolution together with the addition after it.
    """
    constants = read_constants(model.graph)
    widths = _read_widths(model)
    nodes: list[onnx.NodeProto] = []
    replaced = 0
    for node in model.graph.node:
        added = _added_channels(node, constants)
        width = widths.get(node.input[0], 0) if node.input else 0
        if added and width:
            kernel = f"{node.output[0]}/kernel"
            values = np.eye(width + added, width, dtype=np.float32).reshape(width + added, width, 1, 1)
            model.graph.initializer.append(numpy_helper.from_array(values, kernel))
            node = helper.make_node("Conv", [node.input[0], kernel], node.output, kernel_shape=[1, 1])  # noqa: PLW2901
            replaced += 1
        nodes.append(node)
    replace_nodes(model.graph, nodes)
    return replaced


def _read_widths(model: onnx.ModelProto) -> dict[str, int]:
    """Return the channels of each tensor (N, C, H, W) whose shape follows from the weights."""
    graph = shape_inference.infer_shapes(model).graph
    shapes = {value.name: value.type.tensor_type.shape.dim for value in (*graph.value_info, *graph.input)}
    return {name: shape[1].dim_value for name, shape in shapes.items() if len(shape) == 4}


def _added_channels(node: onnx.NodeProto, constants: Mapping[str, Values]) -> int:
    """Return how many channels of zeros a padding appends to (N, C, H, W), 0 where it does anything else."""
    amounts = constants.get(node.input[1]) if node.op_type == "Pad" and len(node.input) == 2 else None
    mode = read_attribute(node, "mode", b"constant")
    if amounts is None or amounts.shape != (8,) or mode != b"constant" or np.delete(amounts, 5).any():
        return 0
    return max(int(amounts[5]), 0)


def _fill_convolution(
    node: onnx.NodeProto, constants: Mapping[str, Values], filled: dict[str, Values], fixed: set[str]
) -> bool:
    """Put the filled weights of a convolution into `filled`; tell whether its output became wider."""
    source, weights, *bias = node.input
    kernel = constants[weights]
    depthwise = _is_depthwise(node, kernel)
    if source not in fixed and not depthwise:
        kernel = _fill(kernel, 1)
    if node.output[0] not in fixed:
        kernel = _fill(kernel, 0)
        filled.update({name: _fill(constants[name], 0) for name in bias})
    filled[weights] = kernel
    if depthwise:
        _group(node).i = len(kernel)
    return len(kernel) > len(constants[weights])


def _fixed_tensors(graph: onnx.GraphProto, constants: Mapping[str, Values]) -> set[str]:
    """Return the tensors whose width has to stay: of the network's ends, of layers that are not known here."""
    readers = Counter(name for node in graph.node for name in node.input)
    fixed = {value.name for value in (*graph.input, *graph.output)}
    tied: list[set[str]] = []
    for node in graph.node:
        tensors = {name for name in (*node.input, *node.output) if name not in constants}
        weights = [name for name in node.input if name in constants]
        kernel = constants.get(node.input[1]) if len(node.input) > 1 else None
        shared = any(readers[name] > 1 for name in weights)
        if node.op_type == "Conv" and kernel is not None and not shared and _group(node).i == 1:
            continue
        by_channel = _is_depthwise(node, kernel) or (node.op_type in _CHANNELWISE and len(weights) == _slopes(node))
        if by_channel and not shared:
            tied.append(tensors)
        else:
            fixed |= tensors
    reached = -1
    while reached != len(fixed):
        reached = len(fixed)
        fixed = fixed.union(*(tensors for tensors in tied if not fixed.isdisjoint(tensors)))
    return fixed


def _slopes(node: onnx.NodeProto) -> int:
    return int(node.op_type == "PRelu")


def _is_depthwise(node: onnx.NodeProto, kernel: Values | None) -> bool:
    return node.op_type == "Conv" and kernel is not None and kernel.shape[1] == 1 and _group(node).i == len(kernel) > 1


def _group(node: onnx.NodeProto) -> onnx.AttributeProto:
    """Return the attribute `group` of a convolution, after adding it where the default is meant."""
    if all(attribute.name != "group" for attribute in node.attribute):
        node.attribute.append(onnx.helper.make_attribute("group", 1))
    found: onnx.AttributeProto = next(attribute for attribute in node.attribute if attribute.name == "group")
    return found


def _fill(values: Values, axis: int) -> Values:
    """Append zeros along `axis` up to whole blocks."""
    widths = [(0, 0)] * values.ndim
    widths[axis] = (0, -values.shape[axis] % _BLOCK)
    return np.pad(values, widths)
