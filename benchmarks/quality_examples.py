"""Draws what each fault of `tests.doubles.degradations` looks like, and what the rules say of it.

`python -m benchmarks.quality_examples OUT.jpg [--photo FILE] [--second FILE]` writes one sheet with the photo and every
fault. Without `--photo` it takes the demonstration's photographs, which come with an installed package; no picture
comes with the program itself.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.report import progress
from campusgate.demo.photographs import PhotographsMissingError, fetch_photographs
from campusgate.settings import Settings
from enrollment.eye_state import EyeState
from enrollment.person_mask import PersonMask
from enrollment.photo import UnreadablePhotoError, decode, encode_jpeg
from enrollment.quality import Checker
from models.engine import FaceEngine
from models.store import ModelError, ModelStore
from tests.doubles.degradations import FAULTS, Fault, Portrait

_COLUMNS, _SIDE, _LINE = 8, 200, 18


def main() -> int:
    """Draw the sheet; 2 when a photo or a model is missing, or there is no face."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality_examples", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the picture to write; its ending names the format")
    parser.add_argument("--photo", type=Path, help="a photo that may be shown")
    parser.add_argument("--second", type=Path, help="another person, for the fault of two people in a picture")
    arguments = parser.parse_args()
    settings = Settings()
    try:
        store = ModelStore(settings.cache_dir, settings.model_mirror)
        engine, mask = FaceEngine(store), PersonMask(store.path("selfie-segmenter"))
        eyes = EyeState(store.path("fr-eye"))
        photo, other = arguments.photo, arguments.second
        if photo is None:
            known = fetch_photographs(settings.cache_dir / "photographs", mirror=settings.model_mirror)
            photo, other = known["wang"], other or known["stranger"]
        first = _portrait(photo, engine, mask)
        second = _portrait(other, engine, mask) if other else first
    except (ModelError, PhotographsMissingError, UnreadablePhotoError, LookupError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    checker = Checker(engine, person_finder=mask, eye_reader=eyes)
    faults = (Fault("as it was", lambda portrait, _: portrait.image, ()), *FAULTS)
    examples = [_example(fault, first, second, checker) for fault in progress(faults, "faults")]
    _sheet(examples).save(arguments.out, quality=88)
    return 0


def _example(fault: Fault, first: Portrait, second: Portrait, checker: Checker) -> tuple[str, str, Image.Image]:
    """Return the fault's name, what the rules say, and the picture as it was saved."""
    content = encode_jpeg(fault.degrade(first, second), quality=fault.file.get("quality", 92))
    photo = decode(content)
    report = checker.check(photo)
    failed = ", ".join(result.rule for result in report.failed)
    return (
        fault.name,
        f"{report.verdict.value}: {failed}" if failed else report.verdict.value,
        Image.fromarray(photo.image),
    )


def _portrait(path: Path, engine: FaceEngine, mask: PersonMask) -> Portrait:
    photo = decode(path)
    faces = engine.detect(photo.image)
    if not faces or faces[0].landmarks is None:
        raise LookupError(f"{path} shows no face: choose another photo")
    return Portrait(photo.image, faces[0].landmarks, mask.probability(photo.image))


def _sheet(examples: list[tuple[str, str, Image.Image]]) -> Image.Image:
    rows = -(-len(examples) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _SIDE, rows * (_SIDE + 2 * _LINE)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (name, verdict, picture) in enumerate(examples):
        left, top = number % _COLUMNS * _SIDE, number // _COLUMNS * (_SIDE + 2 * _LINE)
        picture.thumbnail((_SIDE - 6, _SIDE - 4))
        sheet.paste(picture, (left + 3, top + 2))
        pen.text((left + 4, top + _SIDE), name, fill="black")
        pen.text((left + 4, top + _SIDE + _LINE - 4), verdict[:34], fill="firebrick")
    return sheet


if __name__ == "__main__":
    sys.exit(main())
