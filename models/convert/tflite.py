"""TensorFlow Lite to ONNX, through `tflite2onnx`, and what is left to do after it.

`tflite2onnx` keeps the fixed batch of the source and may leave weights in float16 with a cast at run time. Here the
batch becomes free, casts of weights are folded, the PReLU that TensorFlow spells with five operators is one again, and
channels come in whole blocks.
"""

import importlib
import logging
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from models.convert.channels import fill_channels, pad_by_convolution
from models.convert.error import ConversionError
from models.convert.graph import BATCH
from models.convert.prelu import fold_prelu


def convert(source: Path) -> onnx.ModelProto:
    """Convert; inputs and outputs keep their order, images are NCHW, the first dimension is free.

    Raises:
        ConversionError: the file is no TensorFlow Lite model, or uses an operator without a counterpart.
    """
    model = _run_tflite2onnx(source)
    graph = model.graph
    shapes = {value.name: _dimensions(value) for value in (*graph.value_info, *graph.input, *graph.output)}
    _fold_casts(graph)
    _free_batch(graph, shapes)
    fold_prelu(model)
    _complete_hard_swish(graph)
    pad_by_convolution(model)
    fill_channels(model)
    _sort_initialisers(graph)
    del graph.value_info[:]
    model.producer_name = "campusgate"
    onnx.checker.check_model(model, full_check=True)
    return model


def _run_tflite2onnx(source: Path) -> onnx.ModelProto:
    import tflite2onnx  # noqa: PLC0415 - only a conversion needs it

    importlib.import_module("models.convert.tflite_operators")
    logging.getLogger("tflite2onnx").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        try:
            tflite2onnx.convert(str(source), str(target))
        except Exception as error:  # the library raises whatever its parser meets
            raise ConversionError(f"{source.name} cannot be converted: {type(error).__name__}: {error}") from error
        return onnx.load(target)


def _dimensions(value: onnx.ValueInfoProto) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def _fold_casts(graph: onnx.GraphProto) -> None:
    """Cast float16 weights once, here."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Cast" and node.input[0] in constants]:
        kind = helper.tensor_dtype_to_np_dtype(next(a.i for a in node.attribute if a.name == "to"))
        values = numpy_helper.to_array(constants[node.input[0]]).astype(kind)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)


def _complete_hard_swish(graph: onnx.GraphProto) -> None:
    """Multiply each hard sigmoid by its own input: no file has one that is not part of a hard swish."""
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        nodes.append(copy)
        if node.op_type == "HardSigmoid":
            gate = f"{node.output[0]}/gate"
            copy.output[0] = gate
            nodes.append(helper.make_node("Mul", [node.input[0], gate], [node.output[0]]))
    del graph.node[:]
    graph.node.extend(nodes)


def _free_batch(graph: onnx.GraphProto, shapes: dict[str, list[int]]) -> None:
    """Replace the batch in the shapes of inputs, outputs, reshapes and resizes."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[0] not in constants:
            # 0 takes the dimension over from the input.
            _replace_input(graph, node, 1, np.array([0, *constants[node.input[1]][1:]], np.int64))
        elif node.op_type == "Resize":
            before, after = shapes[node.input[0]], constants[node.input[3]]
            scales = np.array([1, 1, after[2] / before[2], after[3] / before[3]], np.float32)
            _replace_input(graph, node, 2, scales)
            del node.input[3]


def _replace_input(graph: onnx.GraphProto, node: onnx.NodeProto, index: int, values: npt.NDArray[np.generic]) -> None:
    name = f"{node.output[0]}/input_{index}"
    graph.initializer.append(numpy_helper.from_array(values, name))
    node.input[index] = name


def _sort_initialisers(graph: onnx.GraphProto) -> None:
    """`tflite2onnx` collects them in sets; sorted, one source gives the same bytes every time."""
    tensors = sorted(graph.initializer, key=lambda tensor: tensor.name)
    del graph.initializer[:]
    graph.initializer.extend(tensors)
