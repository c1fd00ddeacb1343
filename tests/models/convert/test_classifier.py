"""Classifiers traced for one image take batches and tell the same; so do networks whose channels were filled up."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.convert import CONVERTERS, ConversionError
from models.convert.channels import fill_channels
from models.convert.graph import GraphBuilder

FORMAT = CONVERTERS["onnx-classifier"]
RANDOM = np.random.default_rng(5)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def weights(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def traced(path: Path, *, rest: int = -1) -> Path:
    """A classifier as PyTorch writes it: batch 1, odd widths, and `view(size(0), -1)` computed node by node."""
    constants = {
        "conv": weights(13, 3, 3, 3),
        "conv_bias": weights(13),
        "slope": weights(13, 1, 1),
        "depthwise": weights(13, 1, 3, 3),
        "squeeze": weights(5, 13, 1, 1),
        "excite": weights(13, 5, 1, 1),
        "last": weights(7, 13, 8, 8),
        "matrix": weights(7, 3),
        "rest": np.array([rest], np.int64),
        "unread": weights(4),
    }
    nodes = [
        helper.make_node("Conv", ["input", "conv", "conv_bias"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["a", "slope"], ["b"]),
        helper.make_node("Conv", ["b", "depthwise"], ["c"], pads=[1, 1, 1, 1], group=13),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Conv", ["d", "squeeze"], ["e"]),
        helper.make_node("Relu", ["e"], ["f"]),
        helper.make_node("Conv", ["f", "excite"], ["g"]),
        helper.make_node("Sigmoid", ["g"], ["h"]),
        helper.make_node("Mul", ["c", "h"], ["i"]),
        helper.make_node("Add", ["i", "b"], ["j"]),
        helper.make_node("Conv", ["j", "last"], ["k"]),
        helper.make_node("Shape", ["k"], ["shape"]),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0))),
        helper.make_node("Gather", ["shape", "zero"], ["size"], axis=0),
        helper.make_node("Unsqueeze", ["size"], ["sizes"], axes=[0]),
        helper.make_node("Concat", ["sizes", "rest"], ["view"], axis=0),
        helper.make_node("Reshape", ["k", "view"], ["l"]),
        helper.make_node("MatMul", ["l", "matrix"], ["output"]),
    ]
    return save(path, nodes, constants, [1, 3, 8, 8], [1, 3])


def save(path: Path, nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], given: list, got: list) -> Path:
    graph = helper.make_graph(
        nodes,
        "traced",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, got)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_operatorsetid("", 9)], ir_version=6)
    onnx.save(model, path)
    return path


def assert_equals_source(source: Path, target: Path, images: np.ndarray, run_onnx: Callable) -> None:
    FORMAT.convert(source, target)
    one_by_one = np.concatenate([run_onnx(source, image[np.newaxis])[0] for image in images])
    np.testing.assert_allclose(run_onnx(target, images)[0], softmax(one_by_one), atol=2e-6)


def test_the_liveness_network_equals_its_source_and_takes_batches(
    model_source, dlib_chips: np.ndarray, tmp_path: Path, run_onnx
) -> None:
    chips = np.stack([cv2.resize(chip, (128, 128)) for chip in dlib_chips])
    batch = np.ascontiguousarray(chips[..., ::-1].transpose(0, 3, 1, 2), np.float32)
    assert_equals_source(model_source("fr-liveness"), tmp_path / "converted.onnx", batch, run_onnx)


def test_the_network_of_the_eyes_equals_its_source_and_takes_batches(
    model_source, dlib_chips: np.ndarray, tmp_path: Path, run_onnx
) -> None:
    grey = np.stack([cv2.resize(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), (24, 24)) for chip in dlib_chips])
    batch = grey[:, np.newaxis].astype(np.float32) / np.float32(255)
    assert_equals_source(model_source("fr-eye"), tmp_path / "converted.onnx", batch, run_onnx)


def test_a_traced_classifier_equals_its_source_in_whole_blocks_of_channels(tmp_path: Path, run_onnx) -> None:
    source, target = traced(tmp_path / "traced.onnx"), tmp_path / "converted.onnx"
    assert_equals_source(source, target, weights(4, 3, 8, 8), run_onnx)
    graph = onnx.load(target).graph
    assert {node.op_type for node in graph.node}.isdisjoint({"Shape", "Gather", "Unsqueeze", "Concat", "Reshape"})
    constants = {constant.name: list(constant.dims) for constant in graph.initializer}
    assert "unread" not in constants
    assert (constants["squeeze"], constants["excite"]) == ([16, 16, 1, 1], [16, 16, 1, 1])
    # The linear layer reads seven.
    assert constants["last"] == [7, 16, 8, 8]


def test_a_view_of_a_given_width_stays_computed(tmp_path: Path, run_onnx) -> None:
    source = traced(tmp_path / "traced.onnx", rest=7)
    assert_equals_source(source, tmp_path / "converted.onnx", weights(4, 3, 8, 8), run_onnx)


def test_what_is_no_classifier_of_images_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("no network at all")
    with pytest.raises(ConversionError, match=r"text\.onnx is no ONNX file"):
        FORMAT.convert(text, tmp_path / "out")
    nodes = [helper.make_node("Relu", ["input"], ["output"])]
    flat = save(tmp_path / "flat.onnx", nodes, {}, [1, 3], [1, 3])
    with pytest.raises(ConversionError, match=r"flat\.onnx is no classifier of images"):
        FORMAT.convert(flat, tmp_path / "out")
    nodes = [helper.make_node("Reshape", ["input"], ["output"])]
    shapeless = save(tmp_path / "shapeless.onnx", nodes, {}, [1, 3, 2, 2], [1, 12])
    with pytest.raises(ConversionError, match=r"shapeless\.onnx cannot be freed of its batch"):
        FORMAT.convert(shapeless, tmp_path / "out")


def test_grouped_convolutions_and_constants_that_are_read_twice_keep_their_widths(tmp_path: Path, run_onnx) -> None:
    graph = GraphBuilder("grouped", (6, 4, 4))
    x = graph.relu(graph.conv(graph.input, weights(10, 6, 1, 1), weights(10)))
    x = graph.conv(x, weights(10, 5, 1, 1), group=2)
    bias = graph.constant(weights(1, 10, 1, 1))
    x = graph.node("Add", [graph.conv(graph.node("Add", [x, bias]), weights(10, 10, 1, 1)), bias])
    model = graph.model(graph.conv(x, weights(3, 10, 1, 1)), (3, 4, 4))
    before, after = tmp_path / "before.onnx", tmp_path / "after.onnx"
    onnx.save(model, before)
    assert fill_channels(model) == 0
    onnx.save(model, after)
    images = weights(2, 6, 4, 4)
    np.testing.assert_allclose(run_onnx(after, images)[0], run_onnx(before, images)[0], atol=1e-6)
