"""Is it a person or a picture of one: a vote over the frames of a track. Pure, but for the scorer's port."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.face import Face


class LivenessScorer(Protocol):
    """A model that judges one frame; `models.liveness.LivenessModel` is one."""

    def score(self, image: npt.NDArray[np.uint8], face: Face) -> float:
        """Return 0 (a print, a screen) … 1 (a living face)."""
        ...


class Liveness(StrEnum):
    """What is known about a track."""

    OPEN = "open"
    LIVE = "live"
    SPOOF = "spoof"


@dataclass(frozen=True, slots=True)
class LivenessPolicy:
    """How the frames are put together: the mean of the last `window` scores, once there are `needed` of them.

    The mean and not the best: an attacker who moves a picture about finds the one frame that passes. `least_score` is
    a matter of the camera and is measured at the gate (`docs/edge.md`).
    """

    least_score: float = 0.5
    window: int = 7
    needed: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= self.window:
            raise ValueError(f"liveness needs 1 to window={self.window} frames, not {self.needed}")


class LivenessVote:
    """The scores of one track."""

    def __init__(self, policy: LivenessPolicy) -> None:
        self._policy = policy
        self._scores: deque[float] = deque(maxlen=policy.window)

    def cast(self, score: float) -> Liveness:
        """Count one frame's score; return the standing."""
        self._scores.append(score)
        return self.standing()

    @property
    def score(self) -> float | None:
        """The mean so far, None before the first frame."""
        return sum(self._scores) / len(self._scores) if self._scores else None

    def standing(self) -> Liveness:
        score = self.score
        if score is None or len(self._scores) < self._policy.needed:
            return Liveness.OPEN
        return Liveness.LIVE if score >= self._policy.least_score else Liveness.SPOOF
