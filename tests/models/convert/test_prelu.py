"""PReLU, however it is spelled, keeps its values when it is rewritten."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.convert.prelu import expand_prelu, fold_prelu

CHANNELS = 8
SLOPE = np.linspace(-0.5, 1.5, CHANNELS, dtype=np.float32)


def model_of(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    shape = ["N", CHANNELS, 5, 5]
    graph = helper.make_graph(
        nodes,
        "activation",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def spelled_out(*, reshaped: bool) -> onnx.ModelProto:
    """relu(x) + slope / 2 · (x - |x|), as TFLite files hold it."""
    constants = {"half": (SLOPE / 2).reshape(-1) if reshaped else (SLOPE / 2).reshape(1, -1, 1, 1)}
    factor = "half"
    nodes = [
        helper.make_node("Relu", ["x"], ["relu"]),
        helper.make_node("Abs", ["x"], ["abs"]),
        helper.make_node("Sub", ["x", "abs"], ["difference"]),
    ]
    if reshaped:
        constants["shape"] = np.array([1, CHANNELS, 1, 1], np.int64)
        nodes.append(helper.make_node("Reshape", ["half", "shape"], ["factor"]))
        factor = "factor"
    nodes += [
        helper.make_node("Mul", [factor, "difference"], ["scaled"]),
        helper.make_node("Add", ["relu", "scaled"], ["y"]),
    ]
    return model_of(nodes, constants)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(7).normal(size=(3, CHANNELS, 5, 5)).astype(np.float32)


@pytest.mark.parametrize("reshaped", [True, False])
def test_a_spelled_out_prelu_is_folded_then_expanded_without_a_change_of_value(reshaped: bool, x: np.ndarray) -> None:
    expected = np.where(x > 0, x, SLOPE.reshape(1, -1, 1, 1) * x)
    model = spelled_out(reshaped=reshaped)
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)

    assert fold_prelu(model) == 1
    assert [node.op_type for node in model.graph.node] == ["PRelu"]
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)

    assert expand_prelu(model) == 1
    assert "PRelu" not in {node.op_type for node in model.graph.node}
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)
    assert len(model.graph.initializer) == 2


@pytest.mark.parametrize(
    ("slope", "read_twice", "operators"),
    [
        (np.linspace(-3, 1, CHANNELS), False, ["Conv", "Conv", "Relu", "Conv", "Add"]),
        (np.linspace(-9, 9, CHANNELS), False, ["Conv", "Conv", "Relu", "Conv", "Add"]),
        (np.array([0, -1e-4, 1e-4, 1, 2, -2, 0.5, 8.0]), False, ["Conv", "Conv", "Relu", "Conv", "Add"]),
        (np.linspace(-9, 9, CHANNELS), True, ["Conv", "Relu", "Conv", "Conv", "Add", "Add"]),
    ],
    ids=["none above 1", "above 1", "nothing and nearly nothing", "the convolution is read elsewhere too"],
)
def test_a_prelu_after_a_convolution_keeps_its_values(
    slope: np.ndarray, read_twice: bool, operators: list[str], x: np.ndarray
) -> None:
    random = np.random.default_rng(5)
    constants = {
        "weights": random.normal(size=(CHANNELS, CHANNELS, 3, 3)).astype(np.float32),
        "bias": random.normal(size=CHANNELS).astype(np.float32),
        "slope": slope.astype(np.float32).reshape(-1, 1, 1),
    }
    nodes = [
        helper.make_node("Conv", ["x", "weights", "bias"], ["made"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["made", "slope"], ["bent" if read_twice else "y"]),
    ]
    if read_twice:
        nodes.append(helper.make_node("Add", ["bent", "made"], ["y"]))
    model = model_of(nodes, constants)
    expected = run(model, x)

    assert expand_prelu(model) == 1
    assert [node.op_type for node in model.graph.node] == operators
    np.testing.assert_allclose(run(model, x), expected, rtol=1e-5, atol=1e-4)


def test_what_only_resembles_prelu_is_left_alone(x: np.ndarray) -> None:
    """Here the difference is taken from another tensor."""
    model = model_of(
        [
            helper.make_node("Relu", ["x"], ["relu"]),
            helper.make_node("Abs", ["relu"], ["abs"]),
            helper.make_node("Sub", ["x", "abs"], ["difference"]),
            helper.make_node("Mul", ["half", "difference"], ["scaled"]),
            helper.make_node("Add", ["relu", "scaled"], ["y"]),
        ],
        {"half": (SLOPE / 2).reshape(1, -1, 1, 1)},
    )
    before = run(model, x)
    assert fold_prelu(model) == 0
    np.testing.assert_array_equal(run(model, x), before)


def test_a_prelu_with_one_slope_for_each_pixel_is_not_expanded() -> None:
    slope = np.random.default_rng(1).normal(size=(CHANNELS, 5, 5)).astype(np.float32)
    model = model_of([helper.make_node("PRelu", ["x", "slope"], ["y"])], {"slope": slope})
    assert expand_prelu(model) == 0
