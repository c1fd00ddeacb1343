"""1:N: who among the enrolled is this, if anyone? One photograph enrolled, one frame as probe.

    python -m benchmarks.identification --images DIR [--embedder NAME] [--clips DIR] [--vectors FILE] [--json]

Everyone with two photographs or more is enrolled with the first one; all their other photographs are mated probes.
The only photograph of everybody else is a nonmated probe. Templates are made as the enrollment makes them
(thoroughly), probes as a gate makes them (quickly), and searched with the gate's matcher.

FNIR: the share of mated probes that are not both ranked first and above the threshold. FPIR: the share of nonmated
probes of which anyone is above it. The threshold is the least that keeps FPIR at the wanted rate. A photograph without
a face matches nobody; a person whose first photograph shows none is never found. Intervals hold 95 % of the rates when
people and strangers are drawn anew (bootstrap); the directory stays. Those of the votes draw people, at one threshold.
Where nobody was missed the upper end is three divided by the people.

Further variants leave LFW's wrong names out (`benchmarks.lfw_labels`):

- `cleaned`: the same.
- `directory_of_2000`: people with one photograph are enrolled too, five draws of them; the others stay strangers.
- `two_photos`: who has three photographs or more is searched, against their first and the mean of their first two.
- `vote_3_of_5`, `vote_2_of_3`: others of a person's photographs follow each other as if they were frames, among 2,000
  (`benchmarks.identification_votes`). What the vote gains on clips is measured too (`benchmarks.identification_clips`;
  `--clips`, or `clips` in `CAMPUSGATE_DATA`).

The peer is the network of the `face_recognition` package (dlib's ResNet) on the same faces. LFW flatters every network:
the public figures of LFW are also among those of the collections that networks are trained on.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks.faces import PEER, Photographs, add_arguments, people_of
from benchmarks.identification_clips import on_clips
from benchmarks.identification_protocol import People, Protocol, Searches, Vectors, search
from benchmarks.identification_votes import THREE_OF_FIVE, TWO_OF_THREE, Sequences
from benchmarks.lfw_labels import FLATTERS, rightly_named
from benchmarks.report import Budget, Report, budget, present
from edge.vote import VotePolicy
from models.embedders.registry import DEFAULT_EMBEDDER

_FPIRS = {"1e-2": 1e-2, "3e-3": 3e-3}
_DIRECTORY, _DRAWS, _REPEATS = 2_000, 5, 1_000


def rates(drawn: Sequence[Searches]) -> dict[str, Any]:
    """Return the mean rates over draws of the directory, with intervals."""
    figures: dict[str, Any] = {"rank1": float(np.mean([one.rank1() for one in drawn]))}
    for name, fpir in _FPIRS.items():
        figures[f"fnir_at_fpir_{name}"] = float(np.mean([one.fnir_at_fpir(fpir) for one in drawn]))
        repeats = _REPEATS // len(drawn)
        anew = [one.drawn_anew(fpir, repeats=repeats, seed=seed) for seed, one in enumerate(drawn)]
        low, high = np.quantile(np.concatenate(anew), [0.025, 0.975])
        if high == 0:
            high = min(3 / drawn[0].people, 1.0)
        figures[f"interval_at_fpir_{name}"] = [float(low), float(high)]
    return figures


@dataclass(frozen=True, slots=True)
class Protocols:
    """Who is enrolled and searched in each variant."""

    as_is: Protocol
    cleaned: Protocol
    filled: tuple[Protocol, ...]
    one_photo: Protocol
    two_photos: Protocol

    @classmethod
    def of(cls, people: People) -> "Protocols":
        """Split the photographs as the module says."""
        clean = rightly_named(people)
        cleaned = Protocol.of(clean)
        filled = tuple(cleaned.filled_up(_DIRECTORY, seed=seed) for seed in range(_DRAWS))
        return cls(Protocol.of(people), cleaned, filled, *cleaned.with_second_photo(clean))

    def photos(self) -> tuple[list[Path], list[Path]]:
        """Return those of which templates are made, and those of which probes are."""
        everyone = (self.as_is, self.cleaned, *self.filled, self.one_photo, self.two_photos)
        enrolled = {photo for each in everyone for photos in each.enrolled.values() for photo in photos}
        searched = {photo for each in everyone for photo in (*each.nonmated, *(photo for photo, _ in each.mated))}
        return sorted(enrolled), sorted(searched)


def variants(
    protocols: Protocols, templates: Vectors, probes: Vectors, default_limit: float
) -> dict[str, dict[str, Any] | None]:
    """Return the figures of what is measured without LFW's wrong names; None where there are too few photographs."""

    def rates_of(*each: Protocol) -> dict[str, Any]:
        return rates([search(one, templates, probes) for one in each])

    def votes(policy: VotePolicy) -> dict[str, Any] | None:
        return Sequences.of(protocols.filled[0], templates, probes, policy).report(default_limit)

    twice = {name for _, name in protocols.two_photos.mated}
    return {
        "cleaned": {"enrolled": len(protocols.cleaned.enrolled), **rates_of(protocols.cleaned)},
        "directory_of_2000": {"enrolled": len(protocols.filled[0].enrolled), **rates_of(*protocols.filled)},
        "two_photos": {
            "people": len(twice),
            "one": rates_of(protocols.one_photo),
            "mean": rates_of(protocols.two_photos),
        }
        if twice
        else None,
        "vote_3_of_5": votes(THREE_OF_FIVE),
        "vote_2_of_3": votes(TWO_OF_THREE),
    }


def run(
    images: Path, embedder: str, *, threads: int = 0, clips: Path | None = None, vectors: Path | None = None
) -> Report:
    """Measure an embedder and its peer."""
    protocols = Protocols.of(people_of(images))
    protocol = protocols.as_is
    if not protocol.mated or not protocol.nonmated:
        sys.exit(f"{images} needs people with several photographs and people with one; it has only one of the two")
    photographs = Photographs([embedder, PEER], threads=threads, vectors=vectors)
    enrolled, searched = protocols.photos()
    templates = _embed_all(photographs, enrolled, thorough=True)
    probes = _embed_all(photographs, searched, thorough=False)
    ours, theirs = (search(protocol, *each) for each in zip(templates, probes, strict=True))
    engine = photographs.engine
    limit = engine.threshold("identification", len(protocol.enrolled))
    figures: dict[str, Any] = {
        "model": engine.model_id,
        "remark": FLATTERS,
        "enrolled": len(protocol.enrolled),
        "mated": len(protocol.mated),
        "nonmated": len(protocol.nonmated),
        "faces_missed": len({*enrolled, *searched} - {*templates[0], *probes[0]}),
        **rates([ours]),
        "default": {
            "threshold": limit,
            "fnir": ours.fnir(limit),
            "fpir": float((ours.nonmated_scores > limit).mean()),
        },
        **variants(protocols, templates[0], probes[0], engine.threshold("identification", _DIRECTORY)),
    }
    if clips is not None:
        names, gallery = protocol.gallery(templates[0])
        figures["clips"] = on_clips(engine, [UUID(int=number) for number in range(len(names))], gallery, clips, limit)
    peer = rates([theirs])
    return Report(
        "identification",
        figures,
        budgets=_budgets(figures) if embedder == DEFAULT_EMBEDDER else [],
        peers={"face_recognition's network": peer},
        ratios={name: peer[name] / max(figures[name], 1e-9) for name in (f"fnir_at_fpir_{rate}" for rate in _FPIRS)},
    )


def _embed_all(photographs: Photographs, photos: Sequence[Path], *, thorough: bool) -> tuple[Vectors, Vectors]:
    """Return the vectors of the embedder and of its peer."""
    ours, theirs = {}, {}
    for photo, vectors in photographs.embed(photos, "templates" if thorough else "probes", thorough=thorough):
        if vectors is not None:
            ours[photo], theirs[photo] = vectors
    return ours, theirs


def _budgets(figures: dict[str, Any]) -> list[Budget]:
    wanted = [
        ("", figures, 0.025, 0.05),
        (", directory of 2,000, cleaned", figures["directory_of_2000"], 0.03, 0.05),
        (", mean of two photographs", (figures["two_photos"] or {}).get("mean"), 0.01, 0.015),
    ]
    budgets = [
        budget(f"FNIR at FPIR {percent} %{what}", rates_of[f"fnir_at_fpir_{name}"], "at most", limit)
        for what, rates_of, *limits in wanted
        if rates_of is not None
        for (name, percent), limit in zip((("1e-2", "1"), ("3e-3", "0.3")), limits, strict=True)
    ]
    for name in ("vote_3_of_5", "vote_2_of_3"):
        if (votes := figures[name]) is not None:
            got = votes["at_fpir_3e-3"]["fnir_vote"]
            budgets.append(budget(f"FNIR at FPIR 0.3 %, {name.replace('_', ' ')}", got, "at most", 0.01))
    return budgets


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
    add_arguments(parser)
    given = parser.parse_args()
    report = run(given.images, given.embedder, threads=given.threads, clips=given.clips, vectors=given.vectors)
    return present(report, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
