"""How similar strangers are: the points of `models.calibration`, measured anew.

    python -m benchmarks.calibration --images DIR [--embedder NAME] [--vectors FILE] [--json]

Thorough templates of at most two photographs of each person are compared with quick probes of at most five of every
other, as a gate does, without the photographs that stand under a wrong name in LFW. The point for a rate is the score
that this share of the pairs exceeds. Fewer than a hundred pairs beyond it say too little: such rates are left out.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.faces import Photographs, add_arguments, people_of
from benchmarks.lfw_labels import rightly_named
from benchmarks.report import Report, budget, present
from benchmarks.vectors import Vector
from models.calibration import CALIBRATIONS

_TEMPLATES, _PROBES = 2, 5
_RATES = (-2.0, -2.5, -3.0, -3.5, -4.0, -4.5, -5.0, -5.5, -6.0, -6.5, -7.0)
_ENOUGH = 100
_CHUNK = 256
_BINS = np.linspace(-1, 1, 40_001)
_NEAR = 0.01
"""What the table may be off: a threshold that is 0.01 away changes the rate of false matches by about a third."""


def histogram(templates: Mapping[str, Vector], probes: Mapping[str, Vector]) -> npt.NDArray[np.int64]:
    """Count the scores between templates and probes of different people, each (n, D) by name, in `_BINS`."""
    owner = np.repeat(np.arange(len(probes)), [len(rows) for rows in probes.values()])
    number = {name: index for index, name in enumerate(probes)}
    everything = np.concatenate(list(probes.values())).T
    counts = np.zeros(len(_BINS) - 1, np.int64)
    names = list(templates)
    for start in range(0, len(names), _CHUNK):
        part = names[start : start + _CHUNK]
        rows = np.concatenate([templates[name] for name in part])
        own = np.repeat([number.get(name, -1) for name in part], [len(templates[name]) for name in part])
        scores = rows @ everything
        counts += np.histogram(scores[own[:, np.newaxis] != owner], _BINS)[0]
    return counts


def points(counts: npt.NDArray[np.int64]) -> list[tuple[float, float]]:
    """Return (log10 of the false match rate, score that this share exceeds), as far as there are enough pairs."""
    pairs = int(counts.sum())
    beyond = np.concatenate([[pairs], pairs - np.cumsum(counts)])
    wanted = [rate for rate in _RATES if pairs * 10**rate >= _ENOUGH]
    # Both reversed: interpolation asks for what grows.
    return [(rate, float(np.interp(pairs * 10**rate, beyond[::-1], _BINS[::-1]))) for rate in wanted]


def run(images: Path, embedder: str, *, threads: int = 0, vectors: Path | None = None) -> Report:
    """Measure the points of an embedder, and how far the table is from them."""
    people = rightly_named(people_of(images))
    photographs = Photographs([embedder], threads=threads, vectors=vectors)
    templates = _embed(photographs, people, _TEMPLATES, thorough=True)
    probes = _embed(photographs, people, _PROBES, thorough=False)
    counts = histogram(templates, probes)
    measured = points(counts)
    if not measured:
        sys.exit(f"{images} has too few people: {math.comb(len(people), 2)} pairs of them say nothing about one in 100")
    model_id = photographs.engine.model_id
    figures: dict[str, Any] = {
        "model": model_id,
        "people": len(people),
        "pairs": int(counts.sum()),
        "points": {f"1e{rate:g}": score for rate, score in measured},
    }
    budgets = []
    if model_id in CALIBRATIONS:
        table = CALIBRATIONS[model_id]
        off = max(abs(table.threshold(10**rate) - score) for rate, score in measured)
        budgets.append(budget("table's distance", off, "at most", _NEAR))
    return Report("calibration", figures, budgets=budgets)


def _embed(
    photographs: Photographs, people: Mapping[str, Sequence[Path]], most: int, *, thorough: bool
) -> dict[str, Vector]:
    """Return (n, D) for each person of whom a face was found, n at most `most`."""
    photos = [photo for each in people.values() for photo in each[:most]]
    found: dict[str, list[Vector]] = {}
    for photo, vectors in photographs.embed(photos, "templates" if thorough else "probes", thorough=thorough):
        if vectors is not None:
            found.setdefault(photo.parent.name, []).append(vectors[0])
    return {name: np.stack(rows) for name, rows in found.items()}


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.calibration", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder with NAME/NAME_0001.jpg")
    add_arguments(parser)
    given = parser.parse_args()
    return present(run(given.images, given.embedder, threads=given.threads, vectors=given.vectors), as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
