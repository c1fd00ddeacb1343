"""Who is enrolled with which photographs and who is searched, and what the gate's matcher finds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt

from benchmarks.measures import threshold_at
from benchmarks.vectors import Vector
from edge.matcher import Matcher
from models.embedders.port import unit

Vectors = Mapping[Path, Vector]
People = Mapping[str, list[Path]]


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """Who is enrolled with which photos (their template is the mean of them), and which photos are searched."""

    enrolled: dict[str, tuple[Path, ...]]
    mated: list[tuple[Path, str]]
    nonmated: list[Path]

    @classmethod
    def of(cls, people: People) -> "Protocol":
        """Enrol everyone with two photos or more by the first; everybody else is a stranger."""
        several = {name: photos for name, photos in people.items() if len(photos) >= 2}
        return cls(
            enrolled={name: (photos[0],) for name, photos in several.items()},
            mated=[(photo, name) for name, photos in several.items() for photo in photos[1:]],
            nonmated=[photos[0] for photos in people.values() if len(photos) == 1],
        )

    def filled_up(self, people: int, *, seed: int) -> "Protocol":
        """Enrol strangers too, drawn at random, until the directory holds so many people or half of them are left."""
        count = min(max(people - len(self.enrolled), 0), len(self.nonmated) // 2)
        order = np.random.default_rng(seed).permutation(len(self.nonmated))
        drawn = [self.nonmated[index] for index in sorted(order[:count])]
        return replace(
            self,
            enrolled=self.enrolled | {photo.parent.name: (photo,) for photo in drawn},
            nonmated=[self.nonmated[index] for index in sorted(order[count:])],
        )

    def with_second_photo(self, people: People) -> tuple["Protocol", "Protocol"]:
        """Return the protocol with everyone's first photo enrolled and that with the mean of their first two.

        Both search what is left of those who have three photos or more.
        """
        photos_of = {name: people[name] for name in self.enrolled}
        mated = [(photo, name) for name, photos in photos_of.items() for photo in photos[2:]]
        return (
            replace(self, mated=mated),
            replace(self, mated=mated, enrolled={name: tuple(photos[:2]) for name, photos in photos_of.items()}),
        )

    def gallery(self, templates: Vectors) -> tuple[list[str], Vector]:
        """Return the names of those who have a template, and the templates (N, D)."""
        rows = {
            name: np.sum([templates[photo] for photo in photos if photo in templates], axis=0)
            for name, photos in self.enrolled.items()
            if any(photo in templates for photo in photos)
        }
        return list(rows), unit(np.stack(list(rows.values())))


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """The best score of each probe, and for the mated ones whether it belongs to the right person."""

    mated_scores: npt.NDArray[np.float64]
    mated_right: npt.NDArray[np.bool_]
    mated_people: npt.NDArray[np.int64]
    """A number for the person whom each mated probe shows."""
    nonmated_scores: npt.NDArray[np.float64]

    @property
    def people(self) -> int:
        """How many people the mated probes show."""
        return int(self.mated_people.max()) + 1

    def rank1(self) -> float:
        """Return the share of mated searches whose best person is the right one."""
        return float(self.mated_right.mean())

    def missed(self, limit: float) -> npt.NDArray[np.bool_]:
        """Tell of each mated search whether it misses its person at the threshold `limit`."""
        missed: npt.NDArray[np.bool_] = ~(self.mated_right & (self.mated_scores > limit))
        return missed

    def fnir(self, limit: float) -> float:
        """Return the share of mated searches that miss their person at the threshold `limit`."""
        return float(self.missed(limit).mean())

    def fnir_at_fpir(self, fpir: float) -> float:
        """Return the misses at the threshold that the share `fpir` of non-mated searches exceeds."""
        return self.fnir(threshold_at(self.nonmated_scores, fpir))

    def drawn_anew(self, fpir: float, *, repeats: int, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return `fnir_at_fpir` for draws, with replacement, of as many people and as many strangers (bootstrap).

        People are drawn and not probes, since those of one person are missed together.
        """
        generator = np.random.default_rng(seed)
        people = self.people
        probes = np.bincount(self.mated_people, minlength=people)
        rates = []
        for _ in range(repeats):
            weights = np.bincount(generator.integers(0, people, people), minlength=people)
            strangers = generator.choice(self.nonmated_scores, len(self.nonmated_scores))
            missed = np.bincount(self.mated_people, self.missed(threshold_at(strangers, fpir)), people)
            rates.append(float(weights @ missed) / max(float(weights @ probes), 1.0))
        return np.array(rates)


def search(protocol: Protocol, templates: Vectors, probes: Vectors) -> Searches:
    """Enrol and search everyone. A photograph without a face matches nobody."""
    names, matrix = protocol.gallery(templates)
    matcher = Matcher([UUID(int=number) for number in range(len(names))], matrix)

    def best(photo: Path) -> tuple[float, str | None]:
        if photo not in probes:
            return -1.0, None
        match = matcher.match(probes[photo][np.newaxis])[0]
        return match.score, None if match.person_id is None else names[match.person_id.int]

    mated = [(*best(photo), name) for photo, name in protocol.mated]
    number = {name: index for index, name in enumerate(dict.fromkeys(name for _, name in protocol.mated))}
    return Searches(
        mated_scores=np.array([score for score, _, _ in mated]),
        mated_right=np.array([found == name for _, found, name in mated]),
        mated_people=np.array([number[name] for _, _, name in mated], np.int64),
        nonmated_scores=np.array([best(photo)[0] for photo in protocol.nonmated]),
    )
