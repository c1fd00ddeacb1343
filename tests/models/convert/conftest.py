"""Source files of the models, faces cut out of real photographs, and sessions to run networks in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from campusgate.settings import Settings
from models import catalogue
from models.sources import Fetcher, SourceError, sha256_of


@pytest.fixture(scope="session")
def model_source() -> Callable[[str], Path]:
    """Returns the unconverted source file of a model by name; skips where no source can be reached."""
    settings = Settings()

    def get(name: str) -> Path:
        entry = catalogue.entry(name)
        path = settings.cache_dir / "model-sources" / f"{name}.source"
        if not path.is_file() or sha256_of(path) != entry.sha256:
            with Fetcher(mirror=settings.model_mirror) as fetcher:
                try:
                    fetcher.fetch(entry.sources, entry.sha256, path)
                except SourceError as error:
                    pytest.skip(f"the source of {name} cannot be fetched here: {error}")
        return path

    return get


@pytest.fixture(scope="session")
def dlib_chips(photographs: dict[str, Path]) -> np.ndarray:
    """Faces of the real photographs as dlib cuts them out for its network: uint8 RGB (N, 150, 150, 3)."""
    dlib = pytest.importorskip("dlib")
    face_recognition_models = pytest.importorskip("face_recognition_models")
    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(face_recognition_models.pose_predictor_five_point_model_location())
    chips = []
    for path in photographs.values():
        image = np.asarray(Image.open(path).convert("RGB"))
        chips.extend(dlib.get_face_chip(image, landmarks(image, box), 150, 0.25) for box in detector(image, 1))
    assert len(chips) >= len(photographs)
    return np.stack(chips)


@pytest.fixture(scope="session")
def run_onnx() -> Callable[[Path, np.ndarray], list[np.ndarray]]:
    """Runs an ONNX file on a batch, on one thread."""

    def run(path: Path, batch: np.ndarray) -> list[np.ndarray]:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: batch})

    return run
