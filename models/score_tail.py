"""How similar strangers get: the tail of the scores between different people, and what follows for a threshold.

The rates that a gate needs lie where a campus has few or no pairs of its own. Beyond a high score the excesses of any
well-behaved distribution follow a generalised Pareto distribution (Pickands, 1975), fitted here by probability-weighted
moments (Hosking and Wallis, Technometrics 29, 1987). Pairs share people, so how sure it is comes from drawing the
*people* anew, not the pairs (Bolle, Ratha and Pankanti, 2004).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_PEOPLE = 30
"""Fewer say nothing about rates of one in thousands."""
_TAIL_SHARE, _LEAST_TAIL, _MOST_TAIL = 0.01, 100, 20_000
_REPEATS = 300
_CONFIDENCE = (2.5, 97.5)
_ENOUGH = 30
"""A rate counts as measured when so many pairs of the sample are expected beyond it."""
_CHUNK = 256
_BINS = np.linspace(-0.5, 1.0, 301)

Vectors = npt.NDArray[np.float32]


class TooFewPeopleError(ValueError):
    """There are too few people to say how alike strangers are."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A threshold with its 95 % confidence interval; `measured` is False where it is extrapolated."""

    threshold: float
    low: float
    high: float
    measured: bool


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """Scores between different people."""

    people: int
    """How many were compared."""
    pairs: int
    """How many were compared."""
    histogram: npt.NDArray[np.int64]
    """Counts of all scores over `edges`."""
    edges: npt.NDArray[np.float64]
    start: float
    """Score at which the tail begins; `excess` (E,) ascending beyond it, and whose (E, 2) they are."""
    excess: npt.NDArray[np.float64]
    whose: npt.NDArray[np.int64]
    _fits: npt.NDArray[np.float64]
    """(1 + repeats, 3): share beyond `start`, scale, shape; first of all people, then of people drawn anew."""

    def at(self, fmr: float) -> Estimate:
        """Return the threshold that pairs of strangers exceed at the rate `fmr`.

        Raises:
            ValueError: `fmr` is not below the share of pairs in the tail, or not above 0.
        """
        held = len(self.excess) / self.pairs
        if not 0 < fmr < held:
            raise ValueError(f"the tail holds rates below {held:.3g}, not {fmr:.3g}")
        beyond = np.array([_quantile(self.start, share, scale, shape, fmr) for share, scale, shape in self._fits])
        low, high = np.percentile(beyond[1:], _CONFIDENCE)
        return Estimate(float(beyond[0]), float(low), float(high), measured=fmr * self.pairs >= _ENOUGH)


def tail_of(people: Sequence[Vectors], *, seed: int = 0, most_pairs: int = 20_000_000) -> Tail:
    """Compare people, each given by unit rows (k, D), as a gate does: one template against the best of each other.

    With too many people for `most_pairs`, those who are compared with everybody are drawn by `seed`.

    Raises:
        TooFewPeopleError: fewer than `LEAST_PEOPLE`.
    """
    if len(people) < LEAST_PEOPLE:
        raise TooFewPeopleError(f"{len(people)} people are too few to be compared; {LEAST_PEOPLE} are needed at least")
    generator = np.random.default_rng(seed)
    searchers = np.arange(len(people))
    if len(people) * (len(people) - 1) > most_pairs:
        searchers = np.sort(generator.choice(len(people), max(most_pairs // len(people), LEAST_PEOPLE), replace=False))
    pairs = len(searchers) * (len(people) - 1)
    wanted = int(np.clip(_TAIL_SHARE * pairs, _LEAST_TAIL, _MOST_TAIL))
    histogram = np.zeros(len(_BINS) - 1, np.int64)
    scores, whose = np.zeros(0), np.zeros((0, 2), np.int64)
    for rows, found in _searches(people, searchers):
        histogram += np.histogram(np.clip(found[found > -np.inf], _BINS[0], _BINS[-1]), _BINS)[0]
        least = scores.min() if len(scores) >= wanted else -np.inf
        row, column = np.nonzero(found > max(least, -1.0))
        scores = np.concatenate([scores, found[row, column]])
        whose = np.concatenate([whose, np.column_stack([rows[row], column])])
        if len(scores) > wanted:
            kept = np.argpartition(-scores, wanted)[: wanted + 1]
            scores, whose = scores[kept], whose[kept]
    order = np.argsort(scores)
    start, excess, whose = float(scores[order[0]]), scores[order[1:]] - scores[order[0]], whose[order[1:]]
    fits = _fits(len(people), searchers, excess, whose, generator)
    return Tail(len(people), pairs, histogram, _BINS, start, excess, whose, fits)


def _searches(
    people: Sequence[Vectors], searchers: npt.NDArray[np.int64]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    """Yield some searchers and their scores against everybody; a person's own are -inf."""
    first, everybody = np.stack([vectors[0] for vectors in people]), np.concatenate(list(people))
    starts = np.cumsum([0, *(len(vectors) for vectors in people)])[:-1]
    for begin in range(0, len(searchers), _CHUNK):
        rows = searchers[begin : begin + _CHUNK]
        found = np.maximum.reduceat(first[rows] @ everybody.T, starts, axis=1).astype(np.float64)
        found[np.arange(len(rows)), rows] = -np.inf
        yield rows, found


def _fits(
    people: int,
    searchers: npt.NDArray[np.int64],
    excess: npt.NDArray[np.float64],
    whose: npt.NDArray[np.int64],
    generator: np.random.Generator,
) -> npt.NDArray[np.float64]:
    fits = [_fit(excess, np.ones(len(excess)), len(searchers) * (people - 1))]
    for _ in range(_REPEATS):
        drawn = np.bincount(generator.integers(0, people, people), minlength=people).astype(np.float64)
        pairs = float(drawn[searchers] @ (people - drawn[searchers]))
        fits.append(_fit(excess, drawn[whose[:, 0]] * drawn[whose[:, 1]], pairs))
    return np.array(fits)


def _fit(excess: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], pairs: float) -> tuple[float, float, float]:
    """Return the share of pairs in the tail, and scale and shape of its distribution."""
    total = float(weight.sum())
    if total <= 0 or pairs <= 0:
        return 1e-12, 1e-6, 0.0
    place = (np.cumsum(weight) - 0.5 * weight) / total
    mean = float(weight @ excess) / total
    upper = float(weight @ (excess * (1 - place))) / total
    shape = 2 - mean / max(mean - 2 * upper, 1e-12)
    if shape > 0:
        # A cosine is bounded, so its tail is not heavy; the fit to a few scores may say so all the same.
        return total / pairs, mean, 0.0
    return total / pairs, 2 * mean * upper / max(mean - 2 * upper, 1e-12), shape


def _quantile(start: float, share: float, scale: float, shape: float, fmr: float) -> float:
    rarer = max(share / fmr, 1.0)
    grown = np.log(rarer) if abs(shape) < 1e-6 else (rarer**shape - 1) / shape
    return float(min(start + scale * grown, 1.0))
