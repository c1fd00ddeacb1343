"""ONNX files whose weights are stored in blocks of integers, as those of OpenCV Zoo named `int8bq`, as float32.

Such a file is small to ship and slow to run: at every call its weights are dequantised and reshaped before they are
used, and batch normalisation stands beside each convolution. Here what depends on weights alone is worked out once,
the normalisation goes into the weights, and inputs that exporters of old left for weights are dropped. A large matrix
stays in its blocks where ONNX Runtime multiplies by them: reading it from memory is what such a layer waits for.
"""

import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.convert.error import ConversionError
from models.convert.graph import BATCH, OPSET
from models.convert.nodes import copy_node, read_attribute, read_constants

Constants = dict[str, npt.NDArray[np.generic]]

_RUNTIME = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""
_BYTES = 4
"""Of `accuracy_level`: the image is rounded to blocks of 8 bits too, each by its own largest value."""
_LEAST_BLOCKS = 1_000_000
"""Weights of a matrix that stays in blocks; a smaller one is read from the processor's caches, and fast as it is."""
_WITH_BYTE_KERNELS = frozenset({"x86_64", "AMD64"})
"""Processors on which ONNX Runtime 1.32 multiplies by blocks of 8 bits, with the image in blocks of 8 bits too (AVX2).

Elsewhere, as on ARM without the dot product (Cortex-A72), it would make float32 of all weights at every call.
"""

_IDLE = frozenset({"Dropout", "Identity"})
"""Operators that give their input back where a network is not being trained."""


def convert(source: Path, *, machine: str | None = None) -> onnx.ModelProto:
    """Convert; the network has one image as input (N, C, H, W) and a free batch, its outputs keep their order.

    It is made for processors of the kind `machine`, as `platform.machine` names them, and for this one by default.

    Raises:
        ConversionError: the file is no ONNX model, has several inputs, or uses operators that do not exist.
    """
    try:
        return _converted(onnx.load(source), keep_blocks=(machine or platform.machine()) in _WITH_BYTE_KERNELS)
    except Exception as error:  # the library raises whatever its parser, its operators and its checker meet
        raise ConversionError(f"{source.name} cannot be converted: {type(error).__name__}: {error}") from error


def _converted(model: onnx.ModelProto, *, keep_blocks: bool) -> onnx.ModelProto:
    graph = model.graph
    constants: Constants = dict(read_constants(graph))
    read = {name for node in graph.node for name in node.input}
    # Weights are listed as inputs too, and what the quantiser replaced still is, though nothing reads it.
    inputs = [value for value in graph.input if value.name in read - constants.keys()]
    if len(inputs) != 1:
        raise ValueError(f"it has {len(inputs)} inputs, not one")
    opset = next((used.version for used in model.opset_import if used.domain in ("", "ai.onnx")), OPSET)
    blocks = dict(_find_blocks(graph, constants)) if keep_blocks else {}
    nodes = _fold_batch_normalisation(list(_fold_constants(graph, constants, opset)), graph, constants)
    nodes = [_multiply_by_blocks(node, blocks, constants) for node in nodes]
    kept = dict.fromkeys(name for node in nodes for name in node.input if name in constants)
    converted = helper.make_model(
        helper.make_graph(
            nodes,
            graph.name or "network",
            [_with_free_batch(inputs[0])],
            [_with_free_batch(value) for value in graph.output],
            [numpy_helper.from_array(np.ascontiguousarray(constants[name]), name) for name in kept],
        ),
        producer_name="campusgate",
        opset_imports=[helper.make_operatorsetid("", OPSET), helper.make_operatorsetid(_RUNTIME, 1)],
        ir_version=8,
    )
    onnx.checker.check_model(converted, full_check=True)
    return converted


def _find_blocks(graph: onnx.GraphProto, constants: Constants) -> Iterator[tuple[str, onnx.NodeProto]]:
    """Yield the dequantisation of each large matrix of bytes by the name of what it gives."""
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or len(node.input) != 3 or node.input[0] not in constants:
            continue
        values, size = constants[node.input[0]], read_attribute(node, "block_size", 0)
        # MatMulNBits takes whole blocks along the rows, of a power of two.
        whole = size >= 16 and size.bit_count() == 1 and values.ndim == 2 and values.shape[1] % size == 0
        if whole and values.dtype == np.int8 and read_attribute(node, "axis", 1) == 1 and values.size >= _LEAST_BLOCKS:
            yield node.output[0], node


def _multiply_by_blocks(
    node: onnx.NodeProto, blocks: Mapping[str, onnx.NodeProto], constants: Constants
) -> onnx.NodeProto:
    """Return what gives the same as `node`; it reads its matrix in blocks where it is x · Wᵀ + b and W has them."""
    dequantisation = blocks.get(node.input[1]) if node.op_type == "Gemm" else None
    defaults = {"alpha": 1.0, "beta": 1.0, "transA": 0}
    plain = all(read_attribute(node, name, default) == default for name, default in defaults.items())
    if dequantisation is None or not plain or not read_attribute(node, "transB", 0):
        return node
    values, scales, zero_points = (constants[name] for name in dequantisation.input)
    size, (rows, columns) = read_attribute(dequantisation, "block_size", 0), values.shape
    name = dequantisation.output[0]
    # The operator's bytes have no sign: both sides of the difference are moved by 128.
    constants[f"{name}/blocks"] = (values.astype(np.int16) + 128).astype(np.uint8).reshape(rows, -1, size)
    constants[f"{name}/zero_points"] = (zero_points.astype(np.int16) + 128).astype(np.uint8)
    constants[f"{name}/scales"] = scales
    return helper.make_node(
        "MatMulNBits",
        [node.input[0], f"{name}/blocks", f"{name}/scales", f"{name}/zero_points", "", *node.input[2:]],
        node.output,
        domain=_RUNTIME,
        K=columns,
        N=rows,
        bits=8,
        block_size=size,
        accuracy_level=_BYTES,
    )


def _fold_constants(graph: onnx.GraphProto, constants: Constants, opset: int) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that depend on the image; what the others give is added to `constants`."""
    same: dict[str, str] = {}
    outputs = {value.name for value in graph.output}
    for original in graph.node:
        node = copy_node(original)
        node.input[:] = [same.get(name, name) for name in node.input]
        if all(name in constants for name in node.input if name):
            values = ReferenceEvaluator(_alone(node, constants, opset)).run(None, {})
            constants |= dict(zip(node.output, values, strict=True))
        elif node.op_type in _IDLE and node.output[0] not in outputs:
            same[node.output[0]] = node.input[0]
        else:
            yield node


def _alone(node: onnx.NodeProto, constants: Constants, opset: int) -> onnx.ModelProto:
    """Return a model of one node that reads constants only."""
    weights = [numpy_helper.from_array(constants[name], name) for name in dict.fromkeys(node.input) if name]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    return helper.make_model(
        helper.make_graph([node], "constant", [], outputs, weights),
        opset_imports=[helper.make_operatorsetid("", opset)],
    )


def _fold_batch_normalisation(
    nodes: list[onnx.NodeProto], graph: onnx.GraphProto, constants: Constants
) -> list[onnx.NodeProto]:
    """Let each convolution that nothing but a batch normalisation reads give the normalised values itself."""
    readers = Counter(name for node in nodes for name in node.input)
    readers.update(value.name for value in graph.output)
    convolutions: dict[str, onnx.NodeProto] = {}
    kept = []
    for node in nodes:
        if node.op_type == "BatchNormalization" and node.input[0] in convolutions:
            _normalise(convolutions[node.input[0]], node, constants)
            continue
        kept.append(node)
        if node.op_type == "Conv" and readers[node.output[0]] == 1 and node.input[1] in constants:
            convolutions[node.output[0]] = node
    return kept


def _normalise(convolution: onnx.NodeProto, normalisation: onnx.NodeProto, constants: Constants) -> None:
    """Give `convolution` weights of its own, with `normalisation` in them, and the output of that."""
    scale, shift, mean, variance = (constants[name].astype(np.float64) for name in normalisation.input[1:])
    epsilon = read_attribute(normalisation, "epsilon", 1e-5)
    factor = scale / np.sqrt(variance + epsilon)
    weights, *bias = (constants[name].astype(np.float64) for name in convolution.input[1:])
    name = normalisation.output[0]
    constants[f"{name}/weights"] = (weights * factor.reshape(-1, *[1] * (weights.ndim - 1))).astype(np.float32)
    constants[f"{name}/bias"] = (shift + ((bias[0] if bias else 0.0) - mean) * factor).astype(np.float32)
    convolution.input[:] = [convolution.input[0], f"{name}/weights", f"{name}/bias"]
    convolution.output[0] = name


def _with_free_batch(value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    freed = onnx.ValueInfoProto()
    freed.CopyFrom(value)
    freed.type.tensor_type.shape.dim[0].dim_param = BATCH
    return freed
