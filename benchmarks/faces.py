"""What the accuracy benchmarks share: folders in the layout of LFW, the face that is meant, its template."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.report import progress
from benchmarks.vectors import Vector, VectorFile, digest_of
from campusgate.settings import Settings
from enrollment.photo import UnreadablePhotoError, decode
from models.embedders.registry import DEFAULT_EMBEDDER, EMBEDDERS
from models.engine import FaceEngine
from models.face import Face
from models.store import ModelStore

PEER = "dlib-resnet"
"""The network of the `face_recognition` package."""


def open_store() -> ModelStore:
    """Return the installed models."""
    settings = Settings()
    return ModelStore(settings.cache_dir, settings.model_mirror)


def load_engine(*, embedder: str | None = None, threads: int = 0) -> FaceEngine:
    """Return the engine that the gates run, warm."""
    engine = FaceEngine(open_store(), embedder=embedder or DEFAULT_EMBEDDER, threads=threads)
    engine.warm_up()
    return engine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every accuracy benchmark can be told about the models."""
    parser.add_argument(
        "--embedder", choices=sorted(EMBEDDERS), default=DEFAULT_EMBEDDER, help="whose templates are measured"
    )
    parser.add_argument("--vectors", type=Path, help="file in which embeddings are kept for the next benchmark")
    parser.add_argument("--threads", type=int, default=0, help="threads of the engine; 0 = one for each core")
    parser.add_argument("--json", action="store_true")


def people_of(folder: Path) -> dict[str, list[Path]]:
    """Return the photographs of each person of `folder` (NAME/NAME_0001.jpg), sorted; ends the program if none."""
    people = {person.name: sorted(person.glob("*.jpg")) for person in sorted(folder.iterdir()) if person.is_dir()}
    people = {name: photos for name, photos in people.items() if photos}
    if not people:
        sys.exit(f"{folder} holds no NAME/NAME_0001.jpg: give the folder of the people with --images")
    return people


def central(faces: Sequence[Face], image: npt.NDArray[np.uint8]) -> Face | None:
    """Return the face nearest the middle: a photograph of LFW is centred on the person it is named after."""
    middle = image.shape[1] / 2, image.shape[0] / 2
    return min(
        faces,
        key=lambda face: (face.box.centre[0] - middle[0]) ** 2 + (face.box.centre[1] - middle[1]) ** 2,
        default=None,
    )


class Photographs:
    """Embeds the central face of photographs by several embedders; the first one's engine finds it for all of them."""

    def __init__(self, embedders: Sequence[str], *, threads: int = 0, vectors: Path | None = None) -> None:
        """Load the embedders; what the file `vectors` knows is not made anew, and what is made is kept there."""
        store = open_store()
        self._engines = [load_engine(embedder=name, threads=threads) for name in embedders]
        self._makers = [digest_of(store, name) for name in embedders]
        self._known = VectorFile(vectors or ":memory:")

    @property
    def engine(self) -> FaceEngine:
        """The first embedder's."""
        return self._engines[0]

    def embed(self, photos: Sequence[Path], what: str, *, thorough: bool) -> Iterator[tuple[Path, list[Vector] | None]]:
        """Yield each photo with its embedding by each embedder; None where no face was found."""
        for photo in progress(photos, what):
            content = photo.read_bytes()
            known = [self._known.get(content, maker, thorough=thorough) for maker in self._makers]
            if not all(found for found, _ in known):
                self._embed(content, thorough=thorough)
                known = [self._known.get(content, maker, thorough=thorough) for maker in self._makers]
            vectors = [vector for _, vector in known if vector is not None]
            yield photo, vectors if len(vectors) == len(known) else None

    def _embed(self, content: bytes, *, thorough: bool) -> None:
        try:
            image = decode(content).image
        except UnreadablePhotoError:
            face = None
        else:
            face = central(self.engine.detect(image), image)
        for engine, maker in zip(self._engines, self._makers, strict=True):
            vector = None if face is None else engine.embed(image, [face], thorough=thorough)[0]
            self._known.put(content, maker, vector, thorough=thorough)
