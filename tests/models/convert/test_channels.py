"""Paddings of channels become convolutions, and give what they gave."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.convert.channels import pad_by_convolution


def residual_network(amounts: list[int], mode: str) -> onnx.ModelProto:
    """Add the padded half of a picture to a wider convolution of it, as residual networks do."""
    random = np.random.default_rng(4)
    constants = {
        "weights": random.normal(size=(12, 5, 2, 2)).astype(np.float32),
        "amounts": np.array(amounts, np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("MaxPool", ["x"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Pad", ["half", "amounts"], ["padded"], mode=mode),
            helper.make_node("Conv", ["x", "weights"], ["wide"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Add", ["padded", "wide"], ["sum"]),
            helper.make_node("Relu", ["sum"], ["y"]),
        ],
        "residual",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 5, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 12, 4, 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_padding_of_channels_becomes_a_convolution(tmp_path, run_onnx) -> None:
    model, path = residual_network([0, 0, 0, 0, 0, 7, 0, 0], "constant"), tmp_path / "model.onnx"
    images = np.random.default_rng(5).normal(size=(3, 5, 8, 8)).astype(np.float32)
    onnx.save(model, path)
    (expected,) = run_onnx(path, images)

    assert pad_by_convolution(model) == 1

    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["MaxPool", "Conv", "Conv", "Add", "Relu"]
    onnx.save(model, path)
    np.testing.assert_allclose(run_onnx(path, images)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("amounts", "mode"),
    [
        ([0, 7, 0, 0, 0, 0, 0, 0], "constant"),
        ([0, 3, 0, 0, 0, 4, 0, 0], "constant"),
        ([0, 0, 0, 0, 0, 7, 0, 0], "edge"),
    ],
    ids=["before the channels", "on both sides", "with the last channel"],
)
def test_other_paddings_stay(amounts: list[int], mode: str) -> None:
    model = residual_network(amounts, mode)
    before = model.SerializeToString()
    assert pad_by_convolution(model) == 0
    assert model.SerializeToString() == before
