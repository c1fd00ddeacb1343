"""1:1: are these two photographs of one person? LFW's protocol.

    python -m benchmarks.verification --images DIR --pairs FILE [--embedder NAME] [--vectors FILE] [--json]

The pairs file has LFW's lines without the header: `NAME i j` for one person, `NAME i OTHER j` for two. Accuracy is the
mean over ten folds, each judged at the threshold that was best on the other nine; the true accept rate is taken at the
least threshold that at most one in a thousand of the pairs of different people exceeds. A photograph without a face
matches nothing. Both templates are made as `campusgate faces compare` makes them, thoroughly.

The peer is the network of the `face_recognition` package (dlib's ResNet) on the same faces. Its own detector misses
faces that ours finds, so this flatters it. LFW flatters every network: its public figures are also among those of the
collections that networks are trained on.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.faces import PEER, Photographs, add_arguments
from benchmarks.lfw_labels import FLATTERS
from benchmarks.measures import cross_validate, threshold_at
from benchmarks.report import Report, budget, present
from models.embedders.registry import DEFAULT_EMBEDDER
from models.engine import FaceEngine

Pair = tuple[Path, Path, bool]
Vectors = dict[Path, npt.NDArray[np.float32] | None]


def read_pairs(file: Path, images: Path) -> list[Pair]:
    """Return (photo, photo, same person) for each line; ends the program on a line that is none."""
    pairs = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        match line.split("\t") if "\t" in line else line.split():
            case [name, first, second] if first.isdigit() and second.isdigit():
                pairs.append((photo_of(images, name, first), photo_of(images, name, second), True))
            case [name, first, other, second] if first.isdigit() and second.isdigit():
                pairs.append((photo_of(images, name, first), photo_of(images, other, second), False))
            case []:
                continue
            case _:
                sys.exit(f"{file}:{number} is no pair: NAME i j, or NAME i OTHER j")
    return pairs


def photo_of(images: Path, name: str, number: str) -> Path:
    """Return where LFW keeps a photograph."""
    return images / name / f"{name}_{int(number):04d}.jpg"


def similarities(pairs: Sequence[Pair], vectors: Vectors) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the scores of the pairs of one person and of two; -1 where a face is missing."""
    scores: dict[bool, list[float]] = {True: [], False: []}
    for one, other, same in pairs:
        a, b = vectors[one], vectors[other]
        scores[same].append(-1.0 if a is None or b is None else float(a @ b))
    return np.array(scores[True]), np.array(scores[False])


def measure(pairs: Sequence[Pair], vectors: Vectors) -> dict[str, Any]:
    """Return the figures of one model."""
    genuine, impostors = similarities(pairs, vectors)
    folds = cross_validate(genuine, impostors)
    return {
        "accuracy": float(np.mean(folds.accuracies)),
        "accuracy_std": float(np.std(folds.accuracies)),
        "tar_at_far_1e-3": float(np.mean(genuine > threshold_at(impostors, 1e-3))),
        "threshold": float(np.mean(folds.thresholds)),
    }


def at_default_threshold(engine: FaceEngine, pairs: Sequence[Pair], vectors: Vectors) -> dict[str, float]:
    """Return what the threshold does that the program uses when nobody chose one."""
    genuine, impostors = similarities(pairs, vectors)
    limit = engine.threshold("verification")
    return {
        "threshold": limit,
        "fnmr": float(np.mean(genuine < limit)),
        "fmr": float(np.mean(impostors >= limit)),
    }


def run(images: Path, pairs_file: Path, embedder: str, *, threads: int = 0, vectors: Path | None = None) -> Report:
    """Measure an embedder and its peer."""
    pairs = read_pairs(pairs_file, images)
    photos = sorted({photo for one, other, _ in pairs for photo in (one, other)})
    absent = [photo for photo in photos if not photo.is_file()]
    if absent or not pairs:
        sys.exit(
            f"{pairs_file}: {f'{absent[0]} is not there' if absent else 'no pairs'}; give the images with --images"
        )
    photographs = Photographs([embedder, PEER], threads=threads, vectors=vectors)
    ours: Vectors = {}
    theirs: Vectors = {}
    for photo, found in photographs.embed(photos, "photographs", thorough=True):
        ours[photo], theirs[photo] = found if found is not None else (None, None)
    engine = photographs.engine
    figures = measure(pairs, ours) | {
        "pairs": len(pairs),
        "faces_missed": sum(vector is None for vector in ours.values()),
        "model": engine.model_id,
        "remark": FLATTERS,
        "default": at_default_threshold(engine, pairs, ours),
    }
    peer_figures = measure(pairs, theirs)
    budgets = [
        budget("accuracy", figures["accuracy"], "at least", 0.995),
        budget("TAR at FAR 1e-3", figures["tar_at_far_1e-3"], "at least", 0.992),
    ]
    return Report(
        "verification",
        figures,
        budgets=budgets if embedder == DEFAULT_EMBEDDER else [],
        peers={"face_recognition's network": peer_figures},
        ratios={
            "errors": (1 - peer_figures["accuracy"]) / max(1 - figures["accuracy"], 1e-9),
            "rejections_at_far_1e-3": (1 - peer_figures["tar_at_far_1e-3"]) / max(1 - figures["tar_at_far_1e-3"], 1e-9),
        },
    )


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.verification", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder with NAME/NAME_0001.jpg")
    parser.add_argument("--pairs", type=Path, required=True, help="LFW's pairs without the header")
    add_arguments(parser)
    given = parser.parse_args()
    report = run(given.images, given.pairs, given.embedder, threads=given.threads, vectors=given.vectors)
    return present(report, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
