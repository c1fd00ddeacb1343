"""Is it a person or a picture of one: a vote over the frames of a track. Pure, but for the scorer's port.

The networks speak for and against a face. The cues (`models.spoof_cues`) only ever speak against it: without them a
picture may pass, with them nobody passes who would not have passed before.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from statistics import median, median_low
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.face import Face


class LivenessScorer(Protocol):
    """A model that scores one frame; `models.liveness.LivenessModel` is one."""

    def score(self, image: npt.NDArray[np.uint8], face: Face) -> float:
        """Return 0 (a print, a screen) … 1 (a living face)."""
        ...


class Liveness(StrEnum):
    """What is known about a track."""

    OPEN = "open"
    LIVE = "live"
    SPOOF = "spoof"


class Cue(StrEnum):
    """What told a picture from a person."""

    TEXTURE = "texture"
    """The networks."""
    BORDER = "border"
    MOIRE = "moire"
    PLANE = "plane"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one frame says."""

    score: float | None = None
    """Of the networks, None without them."""
    border: float | None = 0.0
    """As in `models.spoof_cues`; None when what is below the face is out of view."""
    moire: float = 0.0
    """As in `models.spoof_cues`."""
    flatness: float | None = None
    """None when the face did not turn since it was looked at before."""


@dataclass(frozen=True, slots=True)
class LivenessPolicy:
    """How the frames are put together, and from where on a face counts as a picture.

    All limits are a matter of the camera and are measured at the gate (`docs/edge.md`).
    """

    networks: bool = True
    """Whether they are asked at all."""
    cues: bool = True
    """Whether they are asked at all."""
    least_score: float = 0.5
    """Of the mean of the last `window` scores. The mean and not the best: an attacker who moves a picture about finds
    the one frame that passes. 0.5 is where the network itself finds alive likelier; on NUAA and three clips no attack's
    mean rises above 0.28 and none of a living face stays below 0.66 (0.53 with the second opinions), so that nothing
    between would decide otherwise (`benchmarks.liveness`). 0 records the score and refuses nobody."""
    window: int = 7
    """Frames that count."""
    needed: int = 3
    """How many of them there must be before anything is said."""
    least_time: float = 0.0
    """Seconds that a face is watched before it counts as living; more gives the cues time to see a picture turn in a
    hand, and makes everybody wait."""
    unseen_time: float = 0.8
    """Seconds that a face is watched when what is below it is out of view, where the edge of a picture might be: a
    telephone is raised from below."""
    pause: float = 5.0
    """Seconds for which a face that a picture has just claimed is not let in, whoever shows it: a telephone that is
    lowered looks like somebody who has just come."""
    needed_borders: int = 2
    """Frames in which an edge was looked for before it says anything. Fewer than `needed`: what lies below the face is
    not in every frame, and nothing like a frame is found around the living."""
    most_border: float = 0.55
    """Of the median over the window; of two borders, both."""
    most_moire: float = 4.5
    """Of the median over the window."""
    least_flatness: float = 0.4
    """Of the median over the window, once there are `needed` values."""

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= self.window:
            raise ValueError(f"liveness needs 1 to window={self.window} frames, not {self.needed}")
        if not 1 <= self.needed_borders <= self.window:
            raise ValueError(f"the border needs 1 to window={self.window} frames, not {self.needed_borders}")


class LivenessVote:
    """The evidence of one track."""

    def __init__(self, policy: LivenessPolicy) -> None:
        self._policy = policy
        self._scores: deque[float] = deque(maxlen=policy.window)
        self._borders: deque[float] = deque(maxlen=policy.window)
        self._moires: deque[float] = deque(maxlen=policy.window)
        self._flatness: deque[float] = deque(maxlen=policy.window)
        self._frames = 0
        self._begun: float | None = None
        self._watched = 0.0
        self._spoof_cue: Cue | None = None

    def cast(self, evidence: Evidence, at: float = 0.0) -> Liveness:
        """Count the frame of the monotonic second `at`; return the standing."""
        self._frames += 1
        self._begun = at if self._begun is None else self._begun
        self._watched = at - self._begun
        if evidence.score is not None:
            # A network that gives no number has seen no life; NaN would be below no limit.
            self._scores.append(evidence.score if isfinite(evidence.score) else 0.0)
        if evidence.border is not None:
            self._borders.append(evidence.border)
        self._moires.append(evidence.moire)
        if evidence.flatness is not None:
            self._flatness.append(evidence.flatness)
        # Whoever was seen to hold up a picture is not believed again when its edge leaves the view.
        self._spoof_cue = self._spoof_cue or self._find_cue()
        return self.standing

    @property
    def score(self) -> float | None:
        """The networks' mean so far, None before the first frame and without networks."""
        return sum(self._scores) / len(self._scores) if self._scores else None

    @property
    def spoof_cue(self) -> Cue | None:
        """What speaks against the face, None when nothing does."""
        if self._spoof_cue is not None:
            return self._spoof_cue
        score = self.score
        doubted = score is not None and score < self._policy.least_score and self._frames >= self._policy.needed
        return Cue.TEXTURE if doubted else None

    @property
    def standing(self) -> Liveness:
        """What is known as of the last frame."""
        if self.spoof_cue is not None:
            return Liveness.SPOOF
        policy = self._policy
        seen_below = len(self._borders) >= policy.needed
        long_enough = self._watched >= (policy.least_time if seen_below else max(policy.least_time, policy.unseen_time))
        return Liveness.LIVE if self._frames >= policy.needed and long_enough else Liveness.OPEN

    def _find_cue(self) -> Cue | None:
        policy = self._policy
        if len(self._borders) >= policy.needed_borders and median_low(self._borders) > policy.most_border:
            return Cue.BORDER
        if len(self._moires) >= policy.needed and median(self._moires) > policy.most_moire:
            return Cue.MOIRE
        if len(self._flatness) >= policy.needed and median(self._flatness) < policy.least_flatness:
            return Cue.PLANE
        return None
