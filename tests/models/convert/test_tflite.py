"""TensorFlow Lite networks converted here against LiteRT on the same inputs."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from models import catalogue
from models.convert import CONVERTERS, ConversionError, tflite

NAMES = ["blazeface-short-range", "blazeface-full-range", "face-mesh", "mobilefacenet"]
SEGMENTER = "selfie-segmenter"
"""LiteRT lacks the custom operator of its last layer; OpenCV has it."""
TOLERANCES = {
    # In pixels of the input, or as logits up to some hundred, or as numbers of an embedding of length 40.
    "blazeface-short-range": 5e-4,
    "blazeface-full-range": 5e-4,
    "face-mesh": 5e-4,
    "mobilefacenet": 1e-4,
}


def images(name: str, chips: np.ndarray) -> np.ndarray:
    """Return real faces as the network `name` takes them: float32 NCHW."""
    contract = catalogue.entry(name).input
    resized = np.stack([cv2.resize(chip, (contract.width, contract.height)) for chip in chips]).astype(np.float32)
    return np.ascontiguousarray(((resized - np.float32(contract.mean)) / contract.divisor).transpose(0, 3, 1, 2))


def run_litert(path: Path, batch: np.ndarray) -> list[np.ndarray]:
    """Run the source of a network with LiteRT, the fixed batch of its file filled up; outputs in the file's order."""
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = interpreter_module.Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    fixed = given["shape"][0]
    outputs: list[list[np.ndarray]] = []
    for image in batch:
        interpreter.set_tensor(given["index"], np.repeat(image.transpose(1, 2, 0)[None], fixed, axis=0))
        interpreter.invoke()
        outputs.append([interpreter.get_tensor(one["index"])[:1].copy() for one in interpreter.get_output_details()])
    return [np.concatenate(rows) for rows in zip(*outputs, strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_converted_network_equals_litert_on_real_faces(
    name: str, model_store, model_source: Callable[[str], Path], dlib_chips, run_onnx
) -> None:
    batch = images(name, dlib_chips)
    expected = run_litert(model_source(name), batch)

    got = run_onnx(model_store.path(name), batch)

    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours.reshape(len(batch), -1), theirs.reshape(len(batch), -1), atol=TOLERANCES[name])


def test_converted_segmentation_equals_opencv(model_store, model_source, dlib_chips, run_onnx) -> None:
    batch = images(SEGMENTER, dlib_chips[:2])
    network = cv2.dnn.readNetFromTFLite(str(model_source(SEGMENTER)))
    got = run_onnx(model_store.path(SEGMENTER), batch)[0]
    for ours, image in zip(got, batch, strict=True):
        network.setInput(image[None])
        np.testing.assert_allclose(ours.reshape(256, 256), network.forward().reshape(256, 256), atol=1e-4)


@pytest.mark.parametrize("name", [*NAMES, SEGMENTER])
def test_batch_is_free(name: str, model_store, dlib_chips, run_onnx) -> None:
    batch = images(name, dlib_chips[:3])
    path = model_store.path(name)
    together = run_onnx(path, batch)
    for index, output in enumerate(together):
        alone = np.concatenate([run_onnx(path, row[None])[index] for row in batch])
        np.testing.assert_allclose(output, alone, atol=1e-4)


@pytest.mark.parametrize("name", [*NAMES, SEGMENTER])
def test_weights_are_float32_and_nothing_is_cast_at_run_time(name: str, model_store) -> None:
    model = onnx.load(model_store.path(name))
    onnx.checker.check_model(model, full_check=True)
    assert not [node for node in model.graph.node if node.op_type in ("Cast", "PRelu", "Abs")]
    assert {tensor.data_type for tensor in model.graph.initializer} <= {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.INT64,
    }


@pytest.mark.parametrize("name", ["blazeface-short-range", "mobilefacenet"])
def test_same_source_gives_the_same_bytes(name: str, model_source, tmp_path: Path) -> None:
    for target in ("first", "second"):
        CONVERTERS["tflite"].convert(model_source(name), tmp_path / target)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(64)], ids=["empty", "text", "zeros"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"broken\.tflite"):
        tflite.convert(path)


def test_a_cut_off_model_is_refused(model_source, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    data = model_source("mobilefacenet").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ConversionError, match=r"cut\.tflite"):
        tflite.convert(path)


def test_an_operator_without_a_counterpart_is_refused_by_name(model_source, tmp_path: Path) -> None:
    path = tmp_path / "strange.tflite"
    path.write_bytes(
        model_source(SEGMENTER).read_bytes().replace(b"Convolution2DTransposeBias", b"Convolution2DTransposeXyzw")
    )
    with pytest.raises(ConversionError, match="Convolution2DTransposeXyzw"):
        tflite.convert(path)
