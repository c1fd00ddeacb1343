"""What one photo takes: `python -m benchmarks.photo [--rounds N] [--keep FILE] [--compare FILE] [--json]`.

Portraits of 600 × 600, and the same ones at twelve megapixels as a phone writes them: with the grain of its sensor, and
smooth. Each is assessed as the API and the import do it: opened, checked against every rule, embedded, made ready to be
kept. Counted is processor time on one thread, the best of `--rounds`: other work on the machine only adds to it.

`--keep` writes down what comes of every portrait, original and edited, in both sizes: which rules it passes, the
verdict, the template. With what another build has kept, `--compare` tells what moved; nothing is timed then.
"""

import argparse
import base64
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.report import Report, budget, present, progress
from campusgate.settings import Settings
from campusgate.wiring.photo_checker import load_checker
from enrollment.assessment import Assessment, assess
from enrollment.photo import decode, encode_jpeg
from enrollment.quality import Checker
from models.engine import FaceEngine

_LARGE = 3000, 4000
_GRAIN = 4.0
"""Standard deviation of the grain in grey levels: that of a phone's picture taken in a room, 3 MB as a JPEG."""
_TIMED = 6
"""Portraits that are timed: the first of those that the rules accept, for of a rejected one no template is made."""
_ALIKE = 0.98
"""Cosine of two templates of one photo; two photos of one person reach 0.6 to 0.8."""

Results = dict[str, dict[str, Any]]


def main() -> int:
    """Read the arguments, run, print."""
    data = Path(os.environ.get("CAMPUSGATE_DATA", "data"))
    parser = argparse.ArgumentParser(prog="benchmarks.photo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, default=data / "portraits")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="file for what comes of every portrait")
    parser.add_argument("--compare", type=Path, help="such a file of another build")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    images = sorted(given.images.rglob("*.jpg"))
    if not images:
        parser.error(f"{given.images} holds no portraits: give a folder with --images")
    engine, checker = load_checker(Settings(), threads=1)
    engine.warm_up()
    if not (given.keep or given.compare):
        return present(measure(images, engine, checker, given.rounds), as_json=given.json)
    results = dict(assess_all(images, engine, checker))
    if given.keep:
        given.keep.write_text(json.dumps(results), encoding="utf-8")
    if given.compare:
        before = json.loads(given.compare.read_text(encoding="utf-8"))
        return present(compare(before, results), as_json=given.json)
    return 0


def measure(images: Sequence[Path], engine: FaceEngine, checker: Checker, rounds: int) -> Report:
    """Time the first portraits that are not rejected, in each size."""
    taken = []
    for path in images:
        if assess(content := path.read_bytes(), engine, checker).templates:
            taken.append(content)
        if len(taken) == _TIMED:
            break
    sizes = {
        "ordinary": taken,
        "twelve_megapixel": [enlarge(content, _GRAIN) for content in taken],
        "twelve_megapixel_smooth": [enlarge(content, 0) for content in taken],
    }
    figures = {"photos": len(taken)} | {
        f"{name}_processor_ms": time_each(photos, engine, checker, rounds) for name, photos in sizes.items()
    }
    return Report("photo", figures, [])


def time_each(photos: Sequence[bytes], engine: FaceEngine, checker: Checker, rounds: int) -> float:
    """Return the mean over the photos of the least milliseconds of processor time that each took."""
    least = [float("inf")] * len(photos)
    for _ in range(rounds):
        for index, content in enumerate(photos):
            began = time.process_time()
            assess(content, engine, checker)
            least[index] = min(least[index], time.process_time() - began)
    return 1000 * sum(least) / len(least)


def enlarge(content: bytes, grain: float) -> bytes:
    """Return the same portrait at twelve megapixels, as JPEG; the same bytes each time."""
    grown = cv2.resize(decode(content).image, _LARGE, interpolation=cv2.INTER_CUBIC)
    if grain:
        speckles = np.random.default_rng(0).normal(0, grain, (_LARGE[1], _LARGE[0], 1))
        grown = np.clip(grown + speckles.astype(np.float32), 0, 255).astype(np.uint8)
    return encode_jpeg(np.asarray(grown, np.uint8), quality=92)


def assess_all(images: Sequence[Path], engine: FaceEngine, checker: Checker) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what comes of each portrait as it is and at twelve megapixels, by its name."""
    for path in progress(images, "portraits"):
        content = path.read_bytes()
        name = f"{path.parent.name}/{path.stem}"
        yield name, _note(assess(content, engine, checker))
        yield f"{name} at 12 megapixels", _note(assess(enlarge(content, _GRAIN), engine, checker))


def _note(assessment: Assessment) -> dict[str, Any]:
    return {
        "verdict": assessment.report.verdict.value,
        "rules": {one.rule: [one.finding.passed, one.finding.value] for one in assessment.report.results},
        "templates": [base64.b64encode(one.vector.tobytes()).decode() for one in assessment.templates],
    }


def compare(before: Mapping[str, Any], now: Results) -> Report:
    """Tell what moved between two builds' results of the same portraits."""
    shared = [name for name in now if name in before]
    verdicts = [name for name in shared if before[name]["verdict"] != now[name]["verdict"]]
    rules = [
        f"{name}: {rule} {was[1]:.4g} → {became[1]:.4g}"
        for name in shared
        for rule, became in now[name]["rules"].items()
        if (was := before[name]["rules"].get(rule)) and was[0] != became[0]
    ]
    cosines = [
        float(_vector(was) @ _vector(became))
        for name in shared
        for was, became in zip(before[name]["templates"], now[name]["templates"], strict=False)
    ]
    sys.stderr.write("".join(f"{line}\n" for line in (*verdicts, *rules)))
    figures = {
        "photos": len(shared),
        "verdicts_changed": len(verdicts),
        "rules_changed": len(rules),
        "templates": len(cosines),
        "templates_least_cosine": min(cosines),
        "templates_median_cosine": float(np.median(cosines)),
    }
    return Report(
        "photo",
        figures,
        [
            budget("changed verdicts", len(verdicts), "at most", 0),
            budget("cosine of a template with the other build's", min(cosines), "at least", _ALIKE),
        ],
    )


def _vector(encoded: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(encoded), np.float32)


if __name__ == "__main__":
    sys.exit(main())
