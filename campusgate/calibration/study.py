"""From scores to a threshold, with how sure it is. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.calibration import CALIBRATIONS, VERIFICATION_FMR, Calibration, fmr_for_search
from models.score_tail import Estimate, Tail, TooFewPeopleError, Vectors, tail_of

Scores = npt.NDArray[np.float64]

SHOWN_FPIR = (0.001, 0.003, 0.01, 0.03, 0.1)
_EXPECTED = 10
"""False matches that passages must be expected to hold before they overrule the templates."""
_RATES = np.arange(-2.5, -7.1, -0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """What the gate's events say.

    `genuine` are the scores of those let in; `strangers` the best score of anybody *else* in the same search, which is
    what a stranger with that face would have got; `unknown` the best scores of faces that were nobody's.
    """

    genuine: Scores
    strangers: Scores
    unknown: Scores


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, with the 95 % interval of Wilson (1927)."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, 0…1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval (Wilson), 0…1; None of nothing."""
        if not self.of:
            return None
        z2, share = 1.96**2, self.hits / self.of
        middle = (share + z2 / (2 * self.of)) / (1 + z2 / self.of)
        half = 1.96 * math.sqrt(share * (1 - share) / self.of + z2 / (4 * self.of**2)) / (1 + z2 / self.of)
        return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True, slots=True)
class Row:
    """The threshold for one wanted rate."""

    fpir: float
    fmr: float
    estimate: Estimate | None
    model: float
    chosen: float
    mated_missed: Share
    passages_missed: Share
    passages_false: Share


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The answer for one gate."""

    model_id: str
    size: int
    """People searched."""
    fpir: float
    people: int
    tail: Tail | None
    """None when there are too few people; the model's own calibration stands then."""
    mated: Scores
    passages: Passages
    shift: float
    """What the passages add to every threshold, because strangers got higher there than between templates."""
    rows: tuple[Row, ...]
    """For the usual rates and the wanted one, the most lenient last."""

    @property
    def wanted(self) -> Row:
        """The row of the wanted rate."""
        return next(row for row in self.rows if row.fpir == self.fpir)

    @property
    def basis(self) -> str:
        """What the wanted threshold rests on."""
        if self.tail is None:
            return "model"
        if self.shift > 0:
            return "passages"
        estimate = self.wanted.estimate
        return "templates" if estimate is not None and estimate.measured else "extrapolated"

    def points(self) -> tuple[tuple[float, float], ...]:
        """Return (log10 FMR, threshold), for a gate whose directory grows; see `models.calibration.Calibration`."""
        found = [(float(rate), self.threshold(10.0**rate)) for rate in _RATES]
        least = np.maximum.accumulate([threshold for _, threshold in found])
        return tuple((rate, round(float(threshold), 4)) for (rate, _), threshold in zip(found, least, strict=True))

    def threshold(self, fmr: float) -> float:
        """Return the threshold for a rate of false matches between two people."""
        return _chosen(_estimate(self.tail, fmr), self.model_id, fmr, self.shift)


def study(
    people: Sequence[Vectors],
    mated: Scores,
    passages: Passages,
    *,
    model_id: str,
    size: int,
    fpir: float,
    seed: int = 0,
) -> Study:
    """Return the study of a gate that searches `size` people and wants strangers matched at the rate `fpir`.

    Raises:
        ValueError: the rate does not lie between 0 and 1, or the model was never calibrated.
    """
    fmr_for_search(fpir, size)
    if model_id not in CALIBRATIONS:
        raise ValueError(f"model {model_id!r} was never calibrated; calibrated are {', '.join(sorted(CALIBRATIONS))}")
    try:
        tail = tail_of(people, seed=seed)
    except TooFewPeopleError:
        tail = None
    shift = _shift(tail, passages, model_id, fmr_for_search(fpir, size), fpir)
    wanted = sorted({*SHOWN_FPIR, fpir})
    rows = tuple(_row(one, tail, mated, passages, model_id=model_id, size=size, shift=shift) for one in wanted)
    return Study(model_id, size, fpir, len(people), tail, mated, passages, shift, rows)


def mated_scores(people: Sequence[Vectors]) -> Scores:
    """Return, for everybody with several templates, the score of each against the best of the others."""
    found = []
    for vectors in people:
        if len(vectors) > 1:
            scores = vectors @ vectors.T
            np.fill_diagonal(scores, -np.inf)
            found.extend(scores.max(axis=1).tolist())
    return np.array(found, np.float64)


def _row(
    fpir: float, tail: Tail | None, mated: Scores, passages: Passages, *, model_id: str, size: int, shift: float
) -> Row:
    fmr = fmr_for_search(fpir, size)
    estimate = _estimate(tail, fmr)
    chosen = _chosen(estimate, model_id, fmr, shift)
    return Row(
        fpir=fpir,
        fmr=fmr,
        estimate=estimate,
        model=CALIBRATIONS[model_id].threshold(fmr),
        chosen=chosen,
        mated_missed=Share(int((mated < chosen).sum()), len(mated)),
        passages_missed=Share(int((passages.genuine < chosen).sum()), len(passages.genuine)),
        passages_false=Share(int((passages.strangers >= chosen).sum()), len(passages.strangers)),
    )


def _estimate(tail: Tail | None, fmr: float) -> Estimate | None:
    try:
        return None if tail is None else tail.at(fmr)
    except ValueError:
        return None


def _chosen(estimate: Estimate | None, model_id: str, fmr: float, shift: float) -> float:
    """Trust what was measured; where it is prolonged, never below the model's own calibration; never below 1:1."""
    calibration: Calibration = CALIBRATIONS[model_id]
    model = calibration.threshold(fmr)
    own = model if estimate is None else estimate.threshold
    found = own if estimate is not None and estimate.measured else max(own, model)
    return min(max(found + shift, calibration.threshold(VERIFICATION_FMR)), 1.0)


def _shift(tail: Tail | None, passages: Passages, model_id: str, fmr: float, fpir: float) -> float:
    if len(passages.strangers) * fpir < _EXPECTED:
        return 0.0
    seen = float(np.quantile(passages.strangers, 1 - fpir, method="higher"))
    return max(seen - _chosen(_estimate(tail, fmr), model_id, fmr, 0.0), 0.0)
