"""1:N: who among the enrolled is this, if anyone? One photograph enrolled, one frame as probe.

    python -m benchmarks.identification --images DIR [--json]

Everyone with two photographs or more is enrolled with the first one; all their other photographs are mated probes.
The only photograph of everybody else is a nonmated probe. Templates are made as the enrollment makes them
(thoroughly), probes as a gate makes them (quickly), and searched with the gate's matcher.

FNIR: the share of mated probes that are not both ranked first and above the threshold. FPIR: the share of nonmated
probes of which anyone is above it. The threshold is the least that keeps FPIR at the wanted rate. A photograph without
a face matches nobody; a person whose first photograph shows none is never found.

The peer is the network of the `face_recognition` package (dlib's ResNet) on the same faces.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from benchmarks.faces import embeddings, load_engine, people_of
from benchmarks.measures import threshold_at
from benchmarks.report import Report, budget, present
from edge.matcher import Matcher


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """Who is enrolled with which photo, and which photos are searched."""

    enrolled: dict[str, Path]
    mated: list[tuple[Path, str]]
    nonmated: list[Path]

    @classmethod
    def of(cls, people: dict[str, list[Path]]) -> "Protocol":
        """Split the photographs as the module says."""
        several = {name: photos for name, photos in people.items() if len(photos) >= 2}
        return cls(
            enrolled={name: photos[0] for name, photos in several.items()},
            mated=[(photo, name) for name, photos in several.items() for photo in photos[1:]],
            nonmated=[photos[0] for name, photos in people.items() if len(photos) == 1],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """The best score of each probe, and for the mated ones whether it belongs to the right person."""

    mated_scores: npt.NDArray[np.float64]
    mated_right: npt.NDArray[np.bool_]
    nonmated_scores: npt.NDArray[np.float64]

    def rank1(self) -> float:
        return float(self.mated_right.mean())

    def fnir(self, limit: float) -> float:
        return float(1 - (self.mated_right & (self.mated_scores > limit)).mean())

    def fnir_at_fpir(self, fpir: float) -> float:
        return self.fnir(threshold_at(self.nonmated_scores, fpir))


def search(
    protocol: Protocol,
    templates: dict[Path, npt.NDArray[np.float32]],
    probes: dict[Path, npt.NDArray[np.float32]],
) -> Searches:
    """Enrol and search everyone."""
    names = [name for name, photo in protocol.enrolled.items() if photo in templates]
    ids = [UUID(int=number) for number in range(len(names))]
    matcher = Matcher(ids, np.stack([templates[protocol.enrolled[name]] for name in names]))

    def best(photo: Path) -> tuple[float, str | None]:
        if photo not in probes:
            return -1.0, None
        match = matcher.match(probes[photo][np.newaxis])[0]
        return match.score, None if match.person_id is None else names[match.person_id.int]

    mated = [(*best(photo), name) for photo, name in protocol.mated]
    return Searches(
        np.array([score for score, _, _ in mated]),
        np.array([found == name for _, found, name in mated]),
        np.array([best(photo)[0] for photo in protocol.nonmated]),
    )


def figures_of(searches: Searches) -> dict[str, Any]:
    """Return the rates of one model."""
    return {
        "rank1": searches.rank1(),
        "fnir_at_fpir_1e-2": searches.fnir_at_fpir(1e-2),
        "fnir_at_fpir_3e-3": searches.fnir_at_fpir(3e-3),
    }


def run(images: Path, threads: int) -> Report:
    """Measure the default model and its peer."""
    protocol = Protocol.of(people_of(images))
    if not protocol.mated or not protocol.nonmated:
        sys.exit(f"{images} needs people with several photographs and people with one; it has only one of the two")
    photos = sorted([*protocol.enrolled.values(), *(photo for photo, _ in protocol.mated), *protocol.nonmated])
    enrolled = set(protocol.enrolled.values())
    engine, peer = load_engine(threads=threads), load_engine(embedder="dlib-resnet", threads=threads)
    vectors: list[dict[Path, npt.NDArray[np.float32]]] = [{}, {}]
    missed = 0
    for thorough, what in ((True, "enrolled"), (False, "probes")):
        part = [photo for photo in photos if (photo in enrolled) == thorough]
        for photo, found in embeddings([engine, peer], part, what, thorough=thorough):
            if found is None:
                missed += 1
                continue
            for target, vector in zip(vectors, found, strict=True):
                target[photo] = vector
    ours, theirs = (search(protocol, each, each) for each in vectors)
    limit = engine.threshold("identification", len(protocol.enrolled))
    figures = {
        "enrolled": len(protocol.enrolled),
        "mated": len(protocol.mated),
        "nonmated": len(protocol.nonmated),
        **figures_of(ours),
        "faces_missed": missed,
        "model": engine.model_id,
        "default": {
            "threshold": limit,
            "fnir": ours.fnir(limit),
            "fpir": float((ours.nonmated_scores > limit).mean()),
        },
    }
    peer_figures = figures_of(theirs)
    return Report(
        "identification",
        figures,
        budgets=[
            budget("FNIR at FPIR 1 %", figures["fnir_at_fpir_1e-2"], "at most", 0.07),
            budget("FNIR at FPIR 0.3 %", figures["fnir_at_fpir_3e-3"], "at most", 0.10),
        ],
        peers={"face_recognition's network": peer_figures},
        ratios={
            name: peer_figures[name] / max(figures[name], 1e-9) for name in ("fnir_at_fpir_1e-2", "fnir_at_fpir_3e-3")
        },
    )


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.identification", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder with NAME/NAME_0001.jpg")
    parser.add_argument("--threads", type=int, default=0, help="threads of the engine; 0 = one for each core")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return present(run(arguments.images, arguments.threads), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
