"""Which face of this frame is which face of the last. Pure: time comes in as an argument."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot

import numpy as np
import numpy.typing as npt

from models.box import Box


@dataclass(frozen=True, slots=True)
class TrackPolicy:
    """How far a face may move between frames."""

    least_affinity: float = 0.25
    """Below this (0…1, see `affinity`) a face begins a new track."""
    reach: float = 1.0
    """How many face widths the centre may move in `reach_time` seconds (at least that far between any two frames)."""
    reach_time: float = 0.2
    patience: float = 0.8
    """Seconds a track lives without being seen."""
    same_person: float | None = None
    """Cosine below which a new embedding shows that another person took the track's place. None: what the calibration
    of the model in use says (`edge.assembly`); without one no track is split."""


@dataclass(slots=True, eq=False)
class Track:
    """One face over time. `appearance` is the unit mean of the `embeddings` made of it so far."""

    id: int
    box: Box
    first_seen: float
    last_seen: float
    frames: int = 1
    embeddings: int = 0
    appearance: npt.NDArray[np.float32] | None = None
    _sum: npt.NDArray[np.float32] | None = field(default=None, repr=False)

    def remember(self, vector: npt.NDArray[np.float32]) -> None:
        """Let `vector` (unit, (D,)) weigh in on how this track's person looks."""
        self.embeddings += 1
        self._sum = vector.copy() if self._sum is None else self._sum + vector
        length = float(np.linalg.norm(self._sum))
        self.appearance = self._sum / np.float32(length) if length > 0 else None


class Tracker:
    """Gives every face a track id that stays while the face stays; an id is never used twice."""

    def __init__(self, policy: TrackPolicy | None = None) -> None:
        self._policy = policy or TrackPolicy()
        self._tracks: dict[int, Track] = {}
        self._next = 1

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks alive after the last update, oldest first."""
        return tuple(self._tracks.values())

    def update(self, boxes: Sequence[Box], at: float) -> list[Track]:
        """Return the track of each of `boxes`, in their order. No two boxes share one."""
        policy = self._policy
        self._tracks = {
            number: track for number, track in self._tracks.items() if at - track.last_seen <= policy.patience
        }
        # Affinity, the track's number negated (of two alike the older track wins), the box's index.
        pairs: list[tuple[float, int, int]] = []
        for number, track in self._tracks.items():
            passed = max(at - track.last_seen, 0.0)
            pairs += [(affinity(track.box, box, passed, policy), -number, index) for index, box in enumerate(boxes)]
        pairs.sort(reverse=True)
        chosen: dict[int, Track] = {}
        taken: set[int] = set()
        for score, negative, index in pairs:
            if score < policy.least_affinity:
                break
            if index in chosen or -negative in taken:
                continue
            taken.add(-negative)
            chosen[index] = self._tracks[-negative]
        tracks = []
        for index, box in enumerate(boxes):
            tracks.append(self._follow(chosen[index], box, at) if index in chosen else self._begin(box, at))
        return tracks

    def attach(self, track: Track, vector: npt.NDArray[np.float32], at: float) -> Track:
        """Give a track the embedding of its newest face; return it, or a new one when another person stands there.

        The old track ends then: what was gathered for it is not carried over to somebody else.
        """
        least = self._policy.same_person
        if least is not None and track.appearance is not None and float(track.appearance @ vector) < least:
            self._tracks.pop(track.id, None)
            track = self._begin(track.box, at)
        track.remember(vector)
        return track

    def _begin(self, box: Box, at: float) -> Track:
        track = Track(self._next, box, at, at)
        self._next += 1
        self._tracks[track.id] = track
        return track

    @staticmethod
    def _follow(track: Track, box: Box, at: float) -> Track:
        track.box, track.last_seen = box, at
        track.frames += 1
        return track


def affinity(old: Box, new: Box, passed: float, policy: TrackPolicy) -> float:
    """Return how well `new` continues `old` after `passed` seconds: 0 (cannot) … 1 (has not moved).

    The mean of the overlap and of how much of the allowed way the centre has gone, times the ratio of the sizes. The
    centre alone carries a face that a slow camera shows a whole width further on.
    """
    size = max(min(old.width, new.width), 1e-6)
    way = hypot(old.centre[0] - new.centre[0], old.centre[1] - new.centre[1])
    allowed = policy.reach * size * max(1.0, passed / policy.reach_time)
    if way > allowed:
        return 0.0
    ratio = size / max(old.width, new.width, 1e-6)
    return (old.overlap(new) + 1.0 - way / allowed) / 2 * ratio
