"""Embeddings that were made once, in a file, so that each further benchmark on the same photographs is quick.

A vector is looked up by the photograph's bytes, the model and a digest of what made it: the models' files, the code
between pixels and vector, the libraries that ran it. Whatever changes there is embedded anew.
"""

import hashlib
import inspect
import sqlite3
from importlib import metadata
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import alignment, detector, landmarks, runtime, similarity_transform
from models.embedders import dlib_resnet, fusion, mobilefacenet, port, sface, single
from models.embedders.registry import EMBEDDERS
from models.engine import FaceEngine
from models.store import ModelStore

Vector = npt.NDArray[np.float32]

_CODE = (
    *(alignment, detector, landmarks, runtime, similarity_transform),
    *(dlib_resnet, fusion, mobilefacenet, port, sface, single),
    *(FaceEngine.find, FaceEngine.describe, FaceEngine.embed),
)
_FINDERS = ("blazeface-full-range", "blazeface-short-range", "face-mesh")
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")


def digest_of(store: ModelStore, embedder: str) -> str:
    """Return what tells one way from pixels to a vector from another."""
    kind = EMBEDDERS[embedder]
    parts = [inspect.getsource(part) for part in _CODE]
    parts += [store.path(model).name for model in (*_FINDERS, *kind.models)]  # named after a digest of its content
    parts += [kind.model_id, *map(str, (*kind.weights, kind.in_thorough_views)), *map(metadata.version, _LIBRARIES)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class VectorFile:
    """An SQLite file of vectors; several processes may fill it at once."""

    def __init__(self, path: Path | str) -> None:
        self._connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")

    def get(self, picture: bytes, maker: str, *, thorough: bool) -> tuple[bool, Vector | None]:
        """Return whether the vector is known, and it; None is known of a picture that shows no face."""
        row = self._connection.execute(
            "SELECT vector FROM vectors WHERE key = ?", (_key(picture, maker, thorough=thorough),)
        ).fetchone()
        if row is None:
            return False, None
        return True, np.frombuffer(row[0], np.float32) if row[0] else None

    def put(self, picture: bytes, maker: str, vector: Vector | None, *, thorough: bool) -> None:
        """Keep a vector, or that there is no face."""
        content = b"" if vector is None else vector.astype(np.float32).tobytes()
        key = _key(picture, maker, thorough=thorough)
        self._connection.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (key, content))


def _key(picture: bytes, maker: str, *, thorough: bool) -> bytes:
    return hashlib.sha256(b"%s %d %s" % (maker.encode(), thorough, picture)).digest()
