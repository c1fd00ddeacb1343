"""Weights in blocks of integers: what is worked out beforehand gives what ONNX Runtime gives with the file as it is."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.convert import CONVERTERS, ConversionError, blockquant

CHANNELS, BLOCK = 4, 9
SFACE_INPUT = (1, 3, 112, 112)


def quantised_network(*, fixed_batch: bool = True) -> onnx.ModelProto:
    """Build a small network as OpenCV Zoo's are: blocks of int8, stale inputs, dropout, normalisation everywhere."""
    random = np.random.default_rng(3)

    def blocks(rows: int, columns: int) -> dict[str, np.ndarray]:
        return {
            "quantized": random.integers(-128, 128, (rows, columns), np.int8),
            "scales": random.uniform(0.001, 0.02, (rows, -(-columns // BLOCK))).astype(np.float32),
            "zero_point": random.integers(-9, 9, (rows, -(-columns // BLOCK)), np.int8),
        }

    def normal(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    def normalisation(name: str, channels: int) -> dict[str, np.ndarray]:
        variance = random.uniform(0.2, 3, channels).astype(np.float32)
        return {
            f"{name}_gamma": normal(channels),
            f"{name}_beta": normal(channels),
            f"{name}_mean": normal(channels),
            f"{name}_var": variance,
        }

    weights = {
        **{f"conv_{name}": value for name, value in blocks(CHANNELS, 3 * 9).items()},
        **{f"fc_{name}": value for name, value in blocks(6, CHANNELS * 36).items()},
        **normalisation("bn0", CHANNELS),
        **normalisation("bn1", CHANNELS),
        **normalisation("bn2", 6),
        "conv_shape": np.array([CHANNELS, 3, 3, 3], np.int64),
        "middle": np.float32(127.5).reshape(1),
        "slope": random.uniform(-0.5, 1.5, (CHANNELS, 1, 1)).astype(np.float32),
        "fc_bias": normal(6),
    }

    def dequantise(name: str) -> onnx.NodeProto:
        parts = [f"{name}_{part}" for part in ("quantized", "scales", "zero_point")]
        return helper.make_node("DequantizeLinear", parts, [f"{name}_float"], axis=1, block_size=BLOCK)

    def normalise(source: str, name: str) -> onnx.NodeProto:
        parts = [f"{name}_{part}" for part in ("gamma", "beta", "mean", "var")]
        return helper.make_node("BatchNormalization", [source, *parts], [name], epsilon=1e-3)

    nodes = [
        dequantise("conv"),
        dequantise("fc"),
        helper.make_node("Reshape", ["conv_float", "conv_shape"], ["conv_weights"]),
        helper.make_node("Constant", [], ["scale"], value=numpy_helper.from_array(np.float32(1 / 128), "scale")),
        helper.make_node("Sub", ["data", "middle"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "conv_weights"], ["conv"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        normalise("conv", "bn0"),
        helper.make_node("PRelu", ["bn0", "slope"], ["prelu"]),
        normalise("prelu", "bn1"),
        helper.make_node("Dropout", ["bn1"], ["dropout"]),
        helper.make_node("Flatten", ["dropout"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc_float", "fc_bias"], ["fc"], transB=1),
        normalise("fc", "bn2"),
    ]
    batch = 1 if fixed_batch else "n"
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, 6, 6])]
    graph = helper.make_graph(
        nodes,
        "small",
        [
            *inputs,
            # Nothing reads this one any more; that one is a weight, which old exporters list as an input too.
            helper.make_tensor_value_info("conv_weight", TensorProto.FLOAT, [CHANNELS, 3, 3, 3]),
            helper.make_tensor_value_info("slope", TensorProto.FLOAT, [CHANNELS, 1, 1]),
        ],
        [helper.make_tensor_value_info("bn2", TensorProto.FLOAT, [batch, 6])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def run_as_it_is(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    """Run a quantised file without its inputs that nothing reads, with which ONNX Runtime refuses it."""
    raw = onnx.ModelProto()
    raw.CopyFrom(model)
    [data] = [value for value in raw.graph.input if value.name == "data"]
    del raw.graph.input[:]
    raw.graph.input.append(data)
    session = ort.InferenceSession(raw.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"data": image})[0]


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    source, target = tmp_path / "small.onnx", tmp_path / "converted.onnx"
    onnx.save(quantised_network(), source)
    CONVERTERS["onnx-blockquant"].convert(source, target)
    return target


def test_a_converted_network_gives_what_the_quantised_one_gives(converted: Path, run_onnx) -> None:
    images = np.random.default_rng(5).uniform(0, 255, (4, 3, 6, 6)).astype(np.float32)
    expected = np.concatenate([run_as_it_is(quantised_network(), image[np.newaxis]) for image in images])
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(run_onnx(converted, images)[0], expected, rtol=1e-4, atol=1e-4)


def test_nothing_is_left_to_be_worked_out_at_every_run(converted: Path) -> None:
    model = onnx.load(converted)
    assert {node.op_type for node in model.graph.node}.isdisjoint({"DequantizeLinear", "Reshape", "Dropout", "PRelu"})
    # Of the three normalisations one followed a convolution.
    assert sum(node.op_type == "BatchNormalization" for node in model.graph.node) == 2
    assert [value.name for value in model.graph.input] == ["data"]
    assert {tensor.data_type for tensor in model.graph.initializer} == {TensorProto.FLOAT}


def test_one_source_gives_the_same_bytes(converted: Path, tmp_path: Path) -> None:
    source, again = tmp_path / "small.onnx", tmp_path / "again.onnx"
    CONVERTERS["onnx-blockquant"].convert(source, again)
    assert again.read_bytes() == converted.read_bytes()


def test_a_convolution_that_others_read_too_keeps_its_values(tmp_path: Path, run_onnx) -> None:
    model = quantised_network()
    model.graph.output.append(helper.make_tensor_value_info("conv", TensorProto.FLOAT, [1, CHANNELS, 6, 6]))
    source, target = tmp_path / "two.onnx", tmp_path / "converted.onnx"
    onnx.save(model, source)
    CONVERTERS["onnx-blockquant"].convert(source, target)
    image = np.random.default_rng(5).uniform(0, 255, (1, 3, 6, 6)).astype(np.float32)
    vector, convolved = run_onnx(target, image)
    assert convolved.shape == (1, CHANNELS, 6, 6)
    np.testing.assert_allclose(vector, run_as_it_is(quantised_network(), image), rtol=1e-4, atol=1e-4)


def test_sface_gives_what_its_file_gives(model_source, run_onnx, tmp_path: Path) -> None:
    images = np.random.default_rng(1).uniform(0, 255, (2, *SFACE_INPUT[1:])).astype(np.float32)
    source = model_source("sface-int8")
    raw = onnx.load(source)
    expected = np.concatenate([run_as_it_is(raw, image[np.newaxis]) for image in images])

    onnx.save(blockquant.convert(source, machine="aarch64"), tmp_path / "float.onnx")
    np.testing.assert_allclose(run_onnx(tmp_path / "float.onnx", images)[0], expected, atol=1e-5)

    # In blocks of bytes what comes from the image is rounded too: by a thousandth of what tells two faces apart.
    onnx.save(blockquant.convert(source, machine="x86_64"), tmp_path / "blocks.onnx")
    got = run_onnx(tmp_path / "blocks.onnx", images)[0]
    cosines = (got * expected).sum(axis=1) / np.linalg.norm(got, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.shape == (2,)
    assert cosines.min() > 0.99999
    assert (tmp_path / "blocks.onnx").stat().st_size < 0.6 * (tmp_path / "float.onnx").stat().st_size


@pytest.mark.parametrize(
    ("columns", "block", "alpha", "operator"),
    [
        (4096, 64, 1.0, "MatMulNBits"),
        (4096, 32, 1.0, "MatMulNBits"),
        (4104, 64, 1.0, "Gemm"),
        (4608, 48, 1.0, "Gemm"),
        (4096, 64, 0.5, "Gemm"),
        (512, 64, 1.0, "Gemm"),
    ],
    ids=["blocks of 64", "blocks of 32", "a block that is not whole", "no power of two", "scaled", "small"],
)
def test_a_large_matrix_stays_in_blocks_where_it_can(
    columns: int, block: int, alpha: float, operator: str, tmp_path: Path
) -> None:
    random, rows = np.random.default_rng(2), 256
    blocks = -(-columns // block)
    weights = {
        "quantized": random.integers(-128, 128, (rows, columns), np.int8),
        "scales": random.uniform(0.001, 0.02, (rows, blocks)).astype(np.float32),
        "zero_point": random.integers(-9, 9, (rows, blocks), np.int8),
        "bias": random.normal(size=rows).astype(np.float32),
    }
    nodes = [
        helper.make_node(
            "DequantizeLinear", ["quantized", "scales", "zero_point"], ["float"], axis=1, block_size=block
        ),
        helper.make_node("Gemm", ["data", "float", "bias"], ["y"], transB=1, alpha=alpha),
    ]
    graph = helper.make_graph(
        nodes,
        "matrix",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, columns])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, rows])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    source = tmp_path / "matrix.onnx"
    onnx.save(model, source)
    converted = blockquant.convert(source, machine="x86_64")
    assert [node.op_type for node in converted.graph.node] == [operator]
    data = random.normal(size=(3, columns)).astype(np.float32)
    expected = np.concatenate([run_as_it_is(model, row[np.newaxis]) for row in data])
    session = ort.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    got = session.run(None, {"data": data})[0]
    np.testing.assert_allclose(got, expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(64)], ids=["empty", "text", "zeros"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"broken\.onnx"):
        blockquant.convert(path)


def test_a_cut_off_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.onnx"
    data = quantised_network().SerializeToString()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ConversionError, match=r"cut\.onnx"):
        blockquant.convert(path)


def test_an_operator_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    model = quantised_network()
    model.graph.node[6].op_type = "Convoy"
    path = tmp_path / "strange.onnx"
    onnx.save(model, path)
    with pytest.raises(ConversionError, match="Convoy"):
        blockquant.convert(path)
