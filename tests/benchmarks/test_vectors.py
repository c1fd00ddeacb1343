"""Embeddings kept between benchmarks."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import faces, vectors
from benchmarks.faces import Photographs
from benchmarks.vectors import VectorFile, digest_of
from models.embedders.registry import EMBEDDERS
from models.store import ModelStore


def test_a_vector_is_known_for_one_picture_one_maker_and_one_kind(tmp_path: Path) -> None:
    vector = np.arange(4, dtype=np.float32)
    VectorFile(tmp_path / "kept.db").put(b"picture", "maker", vector, thorough=True)
    kept = VectorFile(tmp_path / "kept.db")
    found, again = kept.get(b"picture", "maker", thorough=True)
    assert found
    np.testing.assert_array_equal(again, vector)
    for picture, maker, thorough in ((b"other", "maker", True), (b"picture", "x", True), (b"picture", "maker", False)):
        assert kept.get(picture, maker, thorough=thorough) == (False, None)


def test_a_picture_without_a_face_is_known_as_such() -> None:
    kept = VectorFile(":memory:")
    kept.put(b"wall", "maker", None, thorough=False)
    assert kept.get(b"wall", "maker", thorough=False) == (True, None)


def test_photographs_are_embedded_once(
    photographs: dict[str, Path], model_store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = tmp_path / "wall.jpg"
    wall.write_bytes(b"no picture")
    photos = [photographs["wang"], wall]
    first = Photographs(["mobilefacenet", "dlib-resnet"], threads=1, vectors=tmp_path / "kept.db")
    made = dict(first.embed(photos, "photographs", thorough=True))
    assert made[wall] is None
    assert [vector.shape for vector in made[photographs["wang"]]] == [(192,), (128,)]

    again = Photographs(["dlib-resnet"], threads=1, vectors=tmp_path / "kept.db")
    monkeypatch.setattr(faces, "decode", lambda _: pytest.fail("made anew"))
    kept = dict(again.embed(photos, "photographs", thorough=True))
    np.testing.assert_array_equal(kept[photographs["wang"]][0], made[photographs["wang"]][1])
    assert kept[wall] is None


def test_other_code_and_other_models_have_other_digests(
    model_store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = {digest_of(model_store, name) for name in EMBEDDERS}
    assert len(digests) == len(EMBEDDERS)
    monkeypatch.setattr(vectors, "_CODE", vectors._CODE[1:])
    assert digest_of(model_store, "sface") not in digests
