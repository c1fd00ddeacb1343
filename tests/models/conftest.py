"""The engine, and the demonstration's photographs as pixels."""

import os
from pathlib import Path

import numpy as np
import pytest

from enrollment.photo import decode


@pytest.fixture(scope="session")
def pictures(photographs: dict[str, Path]) -> dict[str, np.ndarray]:
    """RGB pixels of wang, wang-again, wang-at-the-gate, stranger, li."""
    return {name: decode(path).image for name, path in photographs.items()}


@pytest.fixture(scope="session")
def lfw_photos() -> list[Path]:
    """Some photographs of Labeled Faces in the Wild."""
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder of research data")
    return sorted((Path(data) / "lfw").glob("*/*_0001.jpg"))[::60]
