"""Rewrites activations of a converted network into operators that ONNX Runtime runs in its blocked layout.

On the processor ONNX Runtime keeps the tensors of convolutions in blocks of channels (NCHWc) as long as every
operator between them knows that layout. PReLU does not, so each one costs two reorderings: MobileFaceNet and the face
mesh, where it follows every convolution, spend half their time on them. The same function written with Relu and 1 × 1
depthwise convolutions stays in blocks.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper


def fold_prelu(model: onnx.ModelProto) -> int:
    """Turn relu(x) + slope · (x - |x|), which is how TFLite files spell PReLU, into PRelu nodes, in place.

    The slope of the pattern is half of PReLU's, because x - |x| is 2x for negative x. Returns how many were folded.
    """
    constants = _constants(model)
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
    """Turn PReLU(x) into slope · x + (1 - slope) · relu(x), in place; returns how many were expanded.

    Only those with one slope for each channel, the form that networks for faces use.
    """
    constants = _constants(model)
    nodes: list[onnx.NodeProto] = []
    expanded = 0
    for node in model.graph.node:
        slope = constants.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is None or slope.size != slope.shape[0 if slope.ndim == 3 else 1] or slope.ndim not in (3, 4):
            nodes.append(_copy(node))
            continue
        source, output, channels = node.input[0], node.output[0], slope.size
        nodes.append(helper.make_node("Relu", [source], [f"{output}/relu"]))
        for given, factor, name in ((source, slope, "linear"), (f"{output}/relu", 1 - slope, "positive")):
            kernel = factor.reshape(channels, 1, 1, 1).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(kernel, f"{output}/{name}/kernel"))
            nodes.append(
                helper.make_node(
                    "Conv",
                    [given, f"{output}/{name}/kernel"],
                    [f"{output}/{name}"],
                    group=channels,
                    kernel_shape=[1, 1],
                )
            )
        nodes.append(helper.make_node("Add", [f"{output}/linear", f"{output}/positive"], [output]))
        expanded += 1
    _replace_nodes(model, nodes)
    return expanded


def _spelled_prelu(
    node: onnx.NodeProto, maker: dict[str, onnx.NodeProto], constants: dict[str, np.ndarray]
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


def _constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}


def _drop(model: onnx.ModelProto, outputs: set[str]) -> None:
    _replace_nodes(model, [_copy(node) for node in model.graph.node if not outputs.intersection(node.output)])


def _replace_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Put `nodes` in the place of the graph's, and forget the constants that none of them reads."""
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [constant for constant in model.graph.initializer if constant.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    """Return a copy, because clearing a repeated field invalidates what it held."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy
