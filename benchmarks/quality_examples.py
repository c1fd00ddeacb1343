"""Draws what each fault of `benchmarks.degradations` looks like, for `docs/photo-rules.md`.

`python -m benchmarks.quality_examples PHOTO OUT.jpg [--second PHOTO]` writes one sheet with the photo and every fault.
The photo must be one that may be shown; no picture comes with the program.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.degradations import FAULTS, Portrait
from campusgate.settings import Settings
from enrollment.person_mask import PersonMask
from enrollment.photo import UnreadablePhotoError, decode
from models.engine import FaceEngine
from models.store import ModelError, ModelStore

_COLUMNS, _SIDE, _LINE = 8, 200, 18


def main() -> int:
    """Draw the sheet; 2 when a photo or a model is missing, or there is no face."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality_examples", description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--second", type=Path, help="another person, for the fault of two people in a picture")
    arguments = parser.parse_args()
    settings = Settings()
    try:
        store = ModelStore(settings.cache_dir, settings.model_mirror)
        engine, mask = FaceEngine(store), PersonMask(store.path("selfie-segmenter"))
        first = _portrait(arguments.photo, engine, mask)
        second = _portrait(arguments.second, engine, mask) if arguments.second else first
    except (ModelError, UnreadablePhotoError, LookupError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    pictures = [("as it was", first.image), *((fault.name, fault.degrade(first, second)) for fault in FAULTS)]
    _sheet(pictures).save(arguments.out, quality=88)
    return 0


def _portrait(path: Path, engine: FaceEngine, mask: PersonMask) -> Portrait:
    photo = decode(path)
    faces = engine.detect(photo.image)
    if not faces or faces[0].landmarks is None:
        raise LookupError(f"{path} shows no face: choose another photo")
    return Portrait(photo.image, faces[0].landmarks, mask.probability(photo.image))


def _sheet(pictures: list[tuple[str, np.ndarray]]) -> Image.Image:
    rows = -(-len(pictures) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _SIDE, rows * (_SIDE + _LINE)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (name, picture) in enumerate(pictures):
        left, top = number % _COLUMNS * _SIDE, number // _COLUMNS * (_SIDE + _LINE)
        small = Image.fromarray(picture)
        small.thumbnail((_SIDE - 6, _SIDE - 4))
        sheet.paste(small, (left + 3, top + 2))
        pen.text((left + 4, top + _SIDE), name, fill="black")
    return sheet


if __name__ == "__main__":
    sys.exit(main())
