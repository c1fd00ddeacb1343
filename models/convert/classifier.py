"""Classifiers that PyTorch exported to ONNX for one image at a time, made fit for batches."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from models.convert.channels import fill_channels
from models.convert.error import ConversionError
from models.convert.graph import BATCH
from models.convert.nodes import drop_unread, read_constants


def convert(source: Path) -> onnx.ModelProto:
    """Return the model with a free batch, whole blocks of channels, and class probabilities (N, classes) as output.

    Raises:
        ConversionError: the file is no classifier of images.
    """
    model = _load(source)
    try:
        _rewrite(model)
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # a graph may lack whatever a sound one has
        raise ConversionError(f"{source.name} cannot be freed of its batch: {error}") from error
    return model


def _rewrite(model: onnx.ModelProto) -> None:
    _flatten_views(model.graph)
    fill_channels(model)
    _add_softmax(model.graph)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH


def _load(source: Path) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(source.read_bytes())
    except Exception as error:  # the library raises whatever its parser meets
        raise ConversionError(f"{source.name} is no ONNX file") from error
    ranks = [len(value.type.tensor_type.shape.dim) for value in (*model.graph.input, *model.graph.output)]
    if ranks != [4, 2]:
        raise ConversionError(f"{source.name} is no classifier of images: its input and output have {ranks} dimensions")
    return model


def _flatten_views(graph: onnx.GraphProto) -> None:
    """Replace each Reshape to (batch, -1) by Flatten, and drop the nodes that computed its shape.

    So is `x.view(x.size(0), -1)` traced; the batch of the tracing would stay in the shapes that follow from it.
    """
    maker = {output: node for node in graph.node for output in node.output}
    constants = read_constants(graph)
    for node in graph.node:
        if node.op_type == "Reshape" and _keeps_batch(maker.get(node.input[1]), constants):
            node.op_type = "Flatten"
            del node.input[1:]
            node.ClearField("attribute")
    drop_unread(graph)


def _keeps_batch(shape: onnx.NodeProto | None, constants: Mapping[str, np.ndarray]) -> bool:
    """Tell whether `shape` puts a number that is computed before a -1."""
    if shape is None or shape.op_type != "Concat" or len(shape.input) != 2:
        return False
    rest = constants.get(shape.input[1])
    return rest is not None and rest.tolist() == [-1]


def _add_softmax(graph: onnx.GraphProto) -> None:
    """Let the output, whose name it keeps, be probabilities instead of logits."""
    output = graph.output[0].name
    logits = f"{output}/logits"
    for node in graph.node:
        for index, name in enumerate(node.output):
            if name == output:
                node.output[index] = logits
    graph.node.append(helper.make_node("Softmax", [logits], [output], axis=1))
