"""1:N: who among the enrolled is this, if anyone? One photograph enrolled, one frame as probe.

    python -m benchmarks.identification --images DIR [--clips DIR] [--json]

Everyone with two photographs or more is enrolled with the first one; all their other photographs are mated probes.
The only photograph of everybody else is a nonmated probe. Templates are made as the enrollment makes them
(thoroughly), probes as a gate makes them (quickly), and searched with the gate's matcher.

FNIR: the share of mated probes that are not both ranked first and above the threshold. FPIR: the share of nonmated
probes of which anyone is above it. The threshold is the least that keeps FPIR at the wanted rate. A photograph without
a face matches nobody; a person whose first photograph shows none is never found.

A gate asks several frames. What the vote over a track gains is measured on clips (`benchmarks.identification_clips`;
`--clips`, or `clips` in `CAMPUSGATE_DATA`), and on the photographs: of everybody with six or more, five others follow
each other as if they were frames. For strangers their own template is taken out of the directory. Such photographs
differ far more than the frames of a second.

The peer is the network of the `face_recognition` package (dlib's ResNet) on the same faces.
"""

import argparse
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from benchmarks.faces import embeddings, load_engine, people_of
from benchmarks.identification_clips import on_clips
from benchmarks.measures import threshold_at
from benchmarks.report import Budget, Report, budget, present
from edge.matcher import Match, Matcher
from edge.vote import Vote

_FRAMES = 5


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
        """Return the share of mated searches whose best person is the right one."""
        return float(self.mated_right.mean())

    def fnir(self, limit: float) -> float:
        """Return the share of mated searches that miss their person at the threshold `limit`."""
        return float(1 - (self.mated_right & (self.mated_scores > limit)).mean())

    def fnir_at_fpir(self, fpir: float) -> float:
        """Return the misses at the threshold that the share `fpir` of non-mated searches exceeds."""
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


@dataclass(frozen=True, slots=True)
class Votes:
    """Single probes against votes over five, of the same people; strangers are searched without their own template."""

    sequences: int
    fnir_frame: float
    fnir_vote: float
    fpir_frame: float
    fpir_vote: float


def votes(
    protocol: Protocol,
    templates: dict[Path, npt.NDArray[np.float32]],
    probes: dict[Path, npt.NDArray[np.float32]],
    limit: float,
) -> Votes | None:
    """Let five photographs of each person vote as five frames do; None when nobody has so many."""
    names = [name for name, photo in protocol.enrolled.items() if photo in templates]
    ids = {name: UUID(int=number) for number, name in enumerate(names)}
    matrix = np.stack([templates[protocol.enrolled[name]] for name in names])
    own: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in names}
    for photo, name in protocol.mated:
        if photo in probes and name in own:
            own[name].append(probes[photo])
    sequences = {name: np.stack(found[:_FRAMES]) for name, found in own.items() if len(found) >= _FRAMES}
    if not sequences:
        return None
    everybody = Matcher(list(ids.values()), matrix)
    mated = [(ids[name], everybody.match(frames)) for name, frames in sequences.items()]
    strangers = []
    for name, frames in sequences.items():
        rest = [other for other in names if other != name]
        without = Matcher([ids[other] for other in rest], np.delete(matrix, ids[name].int, axis=0))
        strangers.append(without.match(frames))
    return Votes(
        sequences=len(sequences),
        fnir_frame=float(
            np.mean([one.person_id != person or one.score < limit for person, seen in mated for one in seen])
        ),
        fnir_vote=float(np.mean([_named(seen, limit) != person for person, seen in mated])),
        fpir_frame=float(np.mean([one.score >= limit for seen in strangers for one in seen])),
        fpir_vote=float(np.mean([_named(seen, limit) is not None for seen in strangers])),
    )


def _named(matches: list[Match], limit: float) -> UUID | None:
    vote = Vote()
    return next((named for match in matches if (named := vote.cast(match, limit).person_id) is not None), None)


def figures_of(searches: Searches) -> dict[str, Any]:
    """Return the rates of one model."""
    return {
        "rank1": searches.rank1(),
        "fnir_at_fpir_1e-2": searches.fnir_at_fpir(1e-2),
        "fnir_at_fpir_3e-3": searches.fnir_at_fpir(3e-3),
    }


def run(images: Path, threads: int, clips: Path | None = None) -> Report:
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
    over_photographs = votes(protocol, vectors[0], vectors[0], limit)
    if over_photographs is not None:
        figures["vote_over_photographs"] = asdict(over_photographs)
    if clips is not None:
        names = [name for name, photo in protocol.enrolled.items() if photo in vectors[0]]
        gallery = np.stack([vectors[0][protocol.enrolled[name]] for name in names])
        ids = [UUID(int=number) for number in range(len(names))]
        figures["clips"] = on_clips(engine, ids, gallery, clips, limit)
    peer_figures = figures_of(theirs)
    return Report(
        "identification",
        figures,
        budgets=[
            *_less_with_the_vote(over_photographs),
            budget("FNIR at FPIR 1 %", figures["fnir_at_fpir_1e-2"], "at most", 0.07),
            budget("FNIR at FPIR 0.3 %", figures["fnir_at_fpir_3e-3"], "at most", 0.10),
        ],
        peers={"face_recognition's network": peer_figures},
        ratios={
            name: peer_figures[name] / max(figures[name], 1e-9) for name in ("fnir_at_fpir_1e-2", "fnir_at_fpir_3e-3")
        },
    )


def _less_with_the_vote(over_photographs: Votes | None) -> list[Budget]:
    if over_photographs is None:
        return []
    return [
        budget(
            "FNIR with the vote over five photographs",
            over_photographs.fnir_vote,
            "at most",
            over_photographs.fnir_frame,
        ),
        budget(
            "FPIR with the vote over five photographs",
            over_photographs.fpir_vote,
            "at most",
            over_photographs.fpir_frame,
        ),
    ]


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.identification", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder with NAME/NAME_0001.jpg")
    clips = Path(os.environ.get("CAMPUSGATE_DATA", "")) / "clips"
    parser.add_argument(
        "--clips",
        type=Path,
        default=clips if clips.is_dir() else None,
        help="folder with live.mp4 and several-people.mp4, for the vote",
    )
    parser.add_argument("--threads", type=int, default=0, help="threads of the engine; 0 = one for each core")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return present(run(arguments.images, arguments.threads, arguments.clips), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
