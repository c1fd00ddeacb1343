"""Whom the gate misses and mistakes more often: error rates by group, on photographs that somebody labelled.

    python -m benchmarks.demographics --labels FILE [--images DIR] [--people N] [--embedder NAME] [--vectors FILE]
        [--json]

FILE is CSV with the columns `image`, `person` and `group`; images lie in DIR or beside FILE. A group is whatever the
campus may and wants to look at: sex, age, region, glasses, a faculty's cameras. Each person's first image is enrolled
(thoroughly), every other one is a probe (quickly), as at a gate.

FNMR: the share of a group's probes that miss their own person's template. FMR: the share of comparisons between two
people *of one group* that match; strangers of one group resemble each other most. Both are given at the threshold for
comparing two photographs and at the one of a gate that N people may pass, which is fixed for all groups. Intervals
hold 95 % of the rates when the group's people are drawn anew; without a single miss the upper end is three divided by
the people, without a single false match by the comparisons. A group of few people says little: look at the intervals
before at the rates.

No budget judges the differences: what is tolerable is for the campus to say.
"""

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.faces import Photographs, add_arguments
from benchmarks.report import Report, present
from benchmarks.vectors import Vector

_COLUMNS = ("image", "person", "group")
_REPEATS = 500


@dataclass(frozen=True, slots=True)
class Labelled:
    """The images of each person, in the file's order, and the group of each."""

    images: dict[str, list[Path]]
    groups: dict[str, str]


def read_labels(file: Path, images: Path | None = None) -> Labelled:
    """Read the file; end the program on a line that cannot be used."""
    folder = images or file.parent
    labelled = Labelled({}, {})
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if absent := [column for column in _COLUMNS if column not in (reader.fieldnames or ())]:
            sys.exit(f"{file} has no column {absent[0]!r}; its first line must name {', '.join(_COLUMNS)}")
        for line in reader:
            image, person, group = ((line[column] or "").strip() for column in _COLUMNS)
            where = f"{file}:{reader.line_num}"
            if not (image and person and group):
                sys.exit(f"{where} names no image, person or group")
            if not (folder / image).is_file():
                sys.exit(f"{where}: {folder / image} is not there; give the folder of the images with --images")
            if labelled.groups.setdefault(person, group) != group:
                sys.exit(f"{where}: {person} stands in two groups, {labelled.groups[person]} and {group}")
            labelled.images.setdefault(person, []).append(folder / image)
    if not labelled.images:
        sys.exit(f"{file} names no image")
    return labelled


@dataclass(frozen=True, slots=True, eq=False)
class GroupScores:
    """Of P people of one group: the scores of their probes with every template, and who is whom."""

    scores: npt.NDArray[np.float32]
    """(P, M): each template with each probe."""
    owners: npt.NDArray[np.int64]
    """(M,): the row of the person whom each probe shows."""

    def rates(self, limit: float) -> dict[str, Any]:
        """Return FNMR and FMR at a threshold, with how many comparisons they rest on and their intervals."""
        people = len(self.scores)
        own = self.owners == np.arange(people)[:, np.newaxis]
        matched = self.scores >= limit
        probes = np.bincount(self.owners, minlength=people)
        missed = np.bincount(self.owners, (own & ~matched).sum(axis=0), people)
        # A row for each person's template, a column for each person's probes.
        templates, columns = np.nonzero(matched & ~own)
        pairs = len(self.owners) * people - int(own.sum())
        weights = np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), _REPEATS)
        false = (weights[:, templates] * weights[:, self.owners[columns]]).sum(axis=1)
        compared = weights.sum(axis=1) * (weights @ probes) - (weights**2) @ probes
        fnmr_interval, fmr_interval = _interval(weights @ missed, weights @ probes), _interval(false, compared)
        if not missed.any() and probes.any():
            fnmr_interval = [0.0, min(3 / np.count_nonzero(probes), 1.0)]
        if not len(templates) and pairs:
            fmr_interval = [0.0, min(3 / pairs, 1.0)]
        return {
            "fnmr": _share(missed.sum(), probes.sum()),
            "fnmr_interval": fnmr_interval,
            "fmr": _share(len(templates), pairs),
            "fmr_interval": fmr_interval,
            "mated": int(probes.sum()),
            "nonmated": pairs,
        }


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _interval(part: npt.NDArray[np.number[Any]], whole: npt.NDArray[np.number[Any]]) -> list[float] | None:
    some = whole > 0
    if not some.any():
        return None
    return [float(end) for end in np.quantile(part[some] / whole[some], [0.025, 0.975])]


def by_group(
    labelled: Labelled, templates: dict[str, Vector], probes: dict[str, list[Vector]], limits: dict[str, float]
) -> dict[str, dict[str, Any]]:
    """Return the figures of each group at each of the named thresholds; people without a template are left out."""
    figures: dict[str, dict[str, Any]] = {}
    for group in sorted(set(labelled.groups.values())):
        people = [name for name in templates if labelled.groups[name] == group]
        searched = [(row, probe) for row, name in enumerate(people) for probe in probes.get(name, [])]
        figures[group] = {"people": len(people)}
        if searched:
            matrix = np.stack([templates[name] for name in people])
            scores = matrix @ np.stack([probe for _, probe in searched]).T
            found = GroupScores(scores, np.array([row for row, _ in searched]))
            figures[group] |= {name: {"threshold": limit, **found.rates(limit)} for name, limit in limits.items()}
    return figures


def run(
    labels: Path,
    images: Path | None,
    embedder: str,
    *,
    people: int = 2_000,
    threads: int = 0,
    vectors: Path | None = None,
) -> Report:
    """Measure each group at the threshold for two photographs and at that of a gate for `people`."""
    labelled = read_labels(labels, images)
    photographs = Photographs([embedder], threads=threads, vectors=vectors)
    owner = {photo: name for name, photos in labelled.images.items() for photo in photos}
    first = [photos[0] for photos in labelled.images.values()]
    others = [photo for photos in labelled.images.values() for photo in photos[1:]]
    templates: dict[str, Vector] = {}
    probes: dict[str, list[Vector]] = {}
    missed = 0
    for photo, found in photographs.embed(first, "templates", thorough=True):
        missed += found is None
        if found is not None:
            templates[owner[photo]] = found[0]
    for photo, found in photographs.embed(others, "probes", thorough=False):
        missed += found is None
        if found is not None:
            probes.setdefault(owner[photo], []).append(found[0])
    engine = photographs.engine
    limits = {
        "verification": engine.threshold("verification"),
        "identification": engine.threshold("identification", people),
    }
    figures = {
        "model": engine.model_id,
        "gate_for_people": people,
        "faces_missed": missed,
        "groups": by_group(labelled, templates, probes, limits),
    }
    return Report("demographics", figures, budgets=[])


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.demographics", description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=Path, required=True, help="CSV with the columns image, person, group")
    parser.add_argument("--images", type=Path, help="folder of the images; without it the one of the labels")
    parser.add_argument("--people", type=int, default=2_000, help="people who may pass the gate")
    add_arguments(parser)
    given = parser.parse_args()
    report = run(
        given.labels, given.images, given.embedder, people=given.people, threads=given.threads, vectors=given.vectors
    )
    return present(report, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
