"""The gate's measure of masks and dark glasses, on photographs of real masks and on drawn glasses."""

import os
from pathlib import Path

import numpy as np
import pytest

from campusgate.wiring.covered_faces import CoveredFaces
from edge.covering import Covering
from enrollment.photo import decode
from models.engine import FaceEngine
from tests.doubles.degradations import FAULTS, Portrait


def found_in(engine: FaceEngine, image: np.ndarray) -> list[Covering | None]:
    return [CoveredFaces()(image, face) for face in engine.detect(image)[:1]]


def test_open_faces_are_open_and_dark_glasses_are_told(engine: FaceEngine, photographs: dict[str, Path]) -> None:
    glasses = next(fault for fault in FAULTS if fault.name == "sunglasses")
    for path in photographs.values():
        image = decode(path).image
        face = engine.detect(image)[0]
        assert found_in(engine, image) == [None]
        portrait = Portrait(image, face.landmarks, np.ones(image.shape[:2], np.float32))
        assert found_in(engine, glasses.degrade(portrait, portrait)) == [Covering.GLASSES]


@pytest.mark.parametrize(
    ("folder", "covering", "least"), [("with_mask", Covering.MASK, 0.7), ("without_mask", None, 1)]
)
def test_real_masks_are_told_from_open_faces(engine: FaceEngine, folder: str, covering, least: float) -> None:
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder with occlusion")
    files = sorted((Path(data) / "occlusion" / folder).iterdir())[::4]
    found = [one for path in files for one in found_in(engine, decode(path).image)]
    assert len(found) > 15
    assert sum(one is covering for one in found) >= least * len(found)
