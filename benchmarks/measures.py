"""The rates of biometrics (ISO/IEC 19795-1) from scores. A score above the threshold is a match."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]


def threshold_at(impostors: Scores, rate: float) -> float:
    """Return the least threshold that at most the share `rate` of the impostor scores exceeds."""
    allowed = int(np.floor(rate * len(impostors) + 1e-9))
    if allowed >= len(impostors):
        return -np.inf
    return float(np.sort(impostors)[::-1][allowed])


def best_threshold(genuine: Scores, impostors: Scores) -> float:
    """Return the threshold of the fewest errors; of several equally good ones the one in their middle."""
    scores = np.unique(np.concatenate([genuine, impostors]))
    cuts = np.concatenate([[scores[0] - 1e-3], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1e-3]])
    rejected = np.searchsorted(np.sort(genuine), cuts, side="right")
    accepted = len(impostors) - np.searchsorted(np.sort(impostors), cuts, side="right")
    errors = rejected + accepted
    best = cuts[errors == errors.min()]
    return float(best[len(best) // 2])


@dataclass(frozen=True, slots=True)
class Folds:
    """Accuracy over folds, each judged at the threshold that was best on the others."""

    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]


def cross_validate(genuine: Scores, impostors: Scores, folds: int = 10) -> Folds:
    """Split genuine and impostor scores into `folds` runs each, in their order, as LFW's protocol does.

    The order keeps the pairs of one person together, so that few people stand in two folds.
    """
    genuine_fold = np.arange(len(genuine)) * folds // len(genuine)
    impostor_fold = np.arange(len(impostors)) * folds // len(impostors)
    accuracies, thresholds = [], []
    for fold in range(folds):
        threshold = best_threshold(genuine[genuine_fold != fold], impostors[impostor_fold != fold])
        own, other = genuine[genuine_fold == fold], impostors[impostor_fold == fold]
        right = np.count_nonzero(own > threshold) + np.count_nonzero(other <= threshold)
        accuracies.append(right / (len(own) + len(other)))
        thresholds.append(threshold)
    return Folds(tuple(accuracies), tuple(thresholds))
