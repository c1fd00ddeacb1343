"""Sequences of photographs that are taken for the frames of somebody at a gate, and what the vote makes of them.

Photographs of one person differ far more than the frames of a second: frames that are bad are bad together there, and
the vote gains less. For the false matches the same sequences are searched with the person's own template taken out.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from benchmarks.identification_protocol import Protocol, Vectors
from benchmarks.measures import threshold_at
from edge.matcher import Match, Matcher
from edge.vote import Vote, VotePolicy

THREE_OF_FIVE = VotePolicy()
"""The gate's own."""
TWO_OF_THREE = VotePolicy(window=3, needed=2)
_REPEATS = 1_000


@dataclass(frozen=True, slots=True)
class Sequence:
    """What each frame of somebody found, with them in the directory and without."""

    person_id: UUID
    mated: list[Match]
    nonmated: list[Match]


@dataclass(frozen=True, slots=True)
class Sequences:
    """Every sequence of as many photographs as the policy's window, no photograph in two of them."""

    policy: VotePolicy
    found: list[Sequence]
    directory: int
    """How many people are searched."""

    @classmethod
    def of(cls, protocol: Protocol, templates: Vectors, probes: Vectors, policy: VotePolicy) -> "Sequences":
        """Search the probes of each person, one window of them after the other."""
        names, matrix = protocol.gallery(templates)
        ids = [UUID(int=number) for number in range(len(names))]
        own: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in names}
        for photo, name in protocol.mated:
            if photo in probes and name in own:
                own[name].append(probes[photo])
        everybody = Matcher(ids, matrix)
        found = []
        for number, name in enumerate(names):
            whole = len(own[name]) // policy.window * policy.window
            if whole == 0:
                continue
            others = Matcher([*ids[:number], *ids[number + 1 :]], np.delete(matrix, number, axis=0))
            found += [
                Sequence(ids[number], everybody.match(frames), others.match(frames))
                for frames in np.split(np.stack(own[name][:whole]), whole // policy.window)
            ]
        return cls(policy, found, len(names))

    def named(self, frames: list[Match], limit: float) -> UUID | None:
        """Return whom the vote names first at the threshold `limit`."""
        vote = Vote(self.policy)
        return next((found for one in frames if (found := vote.cast(one, limit).person_id) is not None), None)

    def limit_at(self, fpir: float) -> float:
        """Return the least threshold at which the vote names somebody in at most the share `fpir` of strangers."""
        return float(np.nextafter(threshold_at(np.array([self._score(one.nonmated) for one in self.found]), fpir), 2))

    def _score(self, frames: list[Match]) -> float:
        """Return the highest threshold at which somebody is named, -1 when nobody is at any."""
        scores = sorted((match.score for match in frames), reverse=True)
        return next((score for score in scores if self.named(frames, score) is not None), -1.0)

    def figures(self, limit: float) -> dict[str, Any]:
        """Return the error rates at the threshold `limit`, of single frames and of votes; of votes with intervals."""
        missed = [self.named(one.mated, limit) != one.person_id for one in self.found]
        mistaken = [self.named(one.nonmated, limit) is not None for one in self.found]
        frames = [(one.person_id, match) for one in self.found for match in one.mated]
        strangers = [match for one in self.found for match in one.nonmated]
        return {
            "threshold": limit,
            "fnir_frame": float(np.mean([match.person_id != who or match.score < limit for who, match in frames])),
            "fnir_vote": float(np.mean(missed)),
            "fnir_vote_interval": self.interval(missed),
            "fpir_frame": float(np.mean([match.score >= limit for match in strangers])),
            "fpir_vote": float(np.mean(mistaken)),
            "fpir_vote_interval": self.interval(mistaken),
        }

    def interval(self, wrong: list[bool]) -> list[float]:
        """Return what holds 95 % of the rate of `wrong` sequences when people are drawn anew (bootstrap).

        Where none is wrong no draw has one: the upper end is then three divided by the people (rule of three).
        """
        numbers = np.unique([one.person_id.int for one in self.found], return_inverse=True)[1]
        sequences = np.bincount(numbers)
        people = len(sequences)
        if not any(wrong):
            return [0.0, min(3 / people, 1.0)]
        drawn = np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), size=_REPEATS)
        rates = drawn @ np.bincount(numbers, np.array(wrong), people) / (drawn @ sequences)
        return [float(end) for end in np.quantile(rates, [0.025, 0.975])]

    def report(self, default_limit: float) -> dict[str, Any] | None:
        """Return the figures at fixed rates of false matches and at the gate's threshold; None without sequences."""
        if not self.found:
            return None
        return {
            "directory": self.directory,
            "sequences": len(self.found),
            "people": len({one.person_id for one in self.found}),
            "at_fpir_1e-2": self.figures(self.limit_at(1e-2)),
            "at_fpir_3e-3": self.figures(self.limit_at(3e-3)),
            "default": self.figures(default_limit),
        }
