"""What the accuracy benchmarks share: folders in the layout of LFW, the face that is meant, its template."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.report import progress
from campusgate.settings import Settings
from enrollment.photo import UnreadablePhotoError, decode
from models.embedders.registry import DEFAULT_EMBEDDER
from models.engine import FaceEngine
from models.face import Face
from models.store import ModelStore


def load_engine(*, embedder: str | None = None, threads: int = 0) -> FaceEngine:
    """Return the engine that the gates run, warm."""
    settings = Settings()
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    engine = FaceEngine(store, embedder=embedder or DEFAULT_EMBEDDER, threads=threads)
    engine.warm_up()
    return engine


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


def embeddings(
    engines: Sequence[FaceEngine], photos: Sequence[Path], what: str, *, thorough: bool
) -> Iterator[tuple[Path, list[npt.NDArray[np.float32]] | None]]:
    """Yield each photo with the embedding of its central face by each engine; None when no face was found.

    The first engine finds the face for all of them.
    """
    for photo in progress(photos, what):
        try:
            image = decode(photo).image
        except UnreadablePhotoError:
            yield photo, None
            continue
        face = central(engines[0].detect(image), image)
        yield photo, None if face is None else [engine.embed(image, [face], thorough=thorough)[0] for engine in engines]
