"""Which face of this frame is which face of the last. Pure: time comes in as an argument."""

from collections.abc import Callable, Mapping, Sequence
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
    of each model says (`edge.gallery.same_person_for`); without one no track is split. A number of one's own is of the
    one model that the gate runs: while it runs two, their calibrations count."""


Vector = npt.NDArray[np.float32]


@dataclass(slots=True, eq=False)
class Appearance:
    """How a face looks to one model: `mean` is the unit mean of the `count` embeddings made of it so far."""

    total: Vector
    mean: Vector
    count: int

    @classmethod
    def of(cls, vector: Vector, before: "Appearance | None") -> "Appearance":
        """Return it with one more unit vector (D,)."""
        total = vector if before is None else before.total + vector
        length = float(np.linalg.norm(total))
        mean = total / np.float32(length) if length > 0 else vector
        return cls(total, mean, 1 if before is None else before.count + 1)


@dataclass(slots=True, eq=False)
class Track:
    """One face over time; `appearances` by the model that made the embeddings."""

    id: int
    box: Box
    first_seen: float
    last_seen: float
    frames: int = 1
    appearances: Mapping[str, Appearance] = field(default_factory=dict, repr=False)

    def remember(self, vectors: Mapping[str, Vector]) -> None:
        """Let each model's vector (unit, (D,)) weigh in on how this track's person looks."""
        made = {model: Appearance.of(vector, self.appearances.get(model)) for model, vector in vectors.items()}
        self.appearances = {**self.appearances, **made}


class Tracker:
    """Gives every face a track id that stays while the face stays; an id is never used twice."""

    def __init__(
        self, policy: TrackPolicy | None = None, *, same_person: Callable[[str], float | None] = lambda _model: None
    ) -> None:
        """`same_person` says of a model what `TrackPolicy.same_person` is by its calibration."""
        self._policy = policy or TrackPolicy()
        self._same_person = same_person
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

    def attach(self, track: Track, vectors: Mapping[str, Vector], at: float) -> Track:
        """Give a track its newest face's embedding of each model; return it, or a new one for another person.

        The old track ends then: what was gathered for it is not carried over to somebody else.
        """
        if self._shows_another_person(track, vectors):
            self._tracks.pop(track.id, None)
            track = self._begin(track.box, at)
        track.remember(vectors)
        return track

    def _shows_another_person(self, track: Track, vectors: Mapping[str, Vector]) -> bool:
        given = self._policy.same_person if len(vectors) == 1 else None
        for model, vector in vectors.items():
            least = self._same_person(model) if given is None else given
            before = track.appearances.get(model)
            # Not `< least`: what cannot be compared (NaN) shows the same person no more than another.
            if least is not None and before is not None and not float(before.mean @ vector) >= least:
                return True
        return False

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
