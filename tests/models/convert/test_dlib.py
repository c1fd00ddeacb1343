"""dlib's network converted here against dlib itself."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from models import catalogue
from models.convert import ConversionError, dlib


def preprocess(chips: np.ndarray) -> np.ndarray:
    contract = catalogue.entry("dlib-resnet").input
    return ((chips.astype(np.float32) - np.float32(contract.mean)) / contract.divisor).transpose(0, 3, 1, 2)


def test_converted_network_equals_dlib_on_real_faces(model_store, dlib_chips, run_onnx) -> None:
    reference = pytest.importorskip("dlib")
    face_recognition_models = pytest.importorskip("face_recognition_models")
    network = reference.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    expected = np.array([network.compute_face_descriptor(chip) for chip in dlib_chips])

    got = run_onnx(model_store.path("dlib-resnet"), preprocess(dlib_chips))[0]

    assert got.shape == expected.shape == (len(dlib_chips), 128)
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=0)


def test_batch_is_free(model_store, dlib_chips, run_onnx) -> None:
    batch = preprocess(dlib_chips[:3])
    path = model_store.path("dlib-resnet")
    one_by_one = np.concatenate([run_onnx(path, row[None])[0] for row in batch])
    np.testing.assert_allclose(run_onnx(path, batch)[0], one_by_one, atol=1e-5)


def test_same_source_gives_the_same_bytes(model_source) -> None:
    first, second = (dlib.convert(model_source("dlib-resnet")).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kept", [0, 1, 400, 60_000, 22_400_000], ids=lambda kept: f"{kept} bytes")
def test_a_cut_off_file_is_refused(model_source, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.dat"
    path.write_bytes(model_source("dlib-resnet").read_bytes()[:kept])
    with pytest.raises(ConversionError):
        dlib.convert(path)


def test_a_network_of_other_widths_is_refused(model_source, tmp_path: Path) -> None:
    """The first convolution announces fewer parameters than the architecture has."""
    data = model_source("dlib-resnet").read_bytes()
    start = data.index(b"\x01\x05con_4") + len(b"\x01\x05con_4") + 2
    assert data[start : start + 3] == b"\x02\x80\x12"
    path = tmp_path / "other.dat"
    path.write_bytes(data[:start] + b"\x02\x80\x11" + data[start + 3 :])
    with pytest.raises(ConversionError, match="convolution 1 of the dlib network has 4480 parameters"):
        dlib.convert(path)


def test_an_announced_size_beyond_the_file_is_refused_before_reading(model_source, tmp_path: Path) -> None:
    data = model_source("dlib-resnet").read_bytes()
    start = data.index(b"\x01\x05con_4") + len(b"\x01\x05con_4") + 2
    path = tmp_path / "huge.dat"
    path.write_bytes(data[:start] + b"\x08" + b"\xff" * 7 + b"\x7f" + data[start + 3 :])
    with pytest.raises(ConversionError, match="cut off"):
        dlib.convert(path)


def test_converted_network_is_valid_onnx(model_store) -> None:
    onnx.checker.check_model(onnx.load(model_store.path("dlib-resnet")), full_check=True)
