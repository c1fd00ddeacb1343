"""Whether people stand upright in a camera's pictures. One that hangs on its head makes everybody a false face."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera import Condition, Frame, Mounting
from edge.engines import FaceDetector
from edge.liveness import Liveness
from edge.recognition import Sighting
from models.face import Face

_TURNS = (0, 90, 180, 270)
_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_MOST_ROLL = 45.0
_SURELY_UPRIGHT = 0.85
"""Detector's confidence that no face on its head reached: 0.81 at most in 40 pictures of NUAA, less in a clip."""
_AROUND = 1.5
"""Half side of the picture that is turned, in sides of the face's box: the detector wants to see a head in a room."""


@dataclass(frozen=True, slots=True)
class OrientationLimits:
    """How sure it must be that the camera is turned."""

    least_sure: float = 0.6
    """Detector's confidence times the landmark model's that a face stands upright in a turned picture."""
    least_better: float = 0.1
    """By how much that must be more than in the picture as it came."""
    people: int = 3
    """How many different tracks must say the same; an upright one in between begins anew. Somebody may hold a picture
    upside down."""
    apart: float = 10.0
    """Seconds between those tracks."""
    every: float = 2.0
    """Seconds between measurements while somebody is there; with nobody in view none is made."""


def turn_of(
    engine: FaceDetector, image: npt.NDArray[np.uint8], face: Face | None, limits: OrientationLimits | None = None
) -> int | None:
    """Return by how many degrees clockwise an RGB picture must be turned so that `face`, or anybody, stands upright.

    None: it cannot be said.
    """
    limits = limits or OrientationLimits()
    if face is not None and face.score >= _SURELY_UPRIGHT and _upright(face) >= _SURELY_UPRIGHT:
        return 0
    around = image if face is None else _around(image, face)
    sure = {turn: max(map(_upright, engine.detect(_turned(around, turn))), default=0.0) for turn in _TURNS}
    best = max(_TURNS, key=lambda turn: sure[turn])
    if sure[best] < limits.least_sure:
        return None
    if best == 0 or sure[best] >= sure[0] + limits.least_better:
        return best
    return None


class OrientationWatch:
    """Follows how the people before one camera stand. Not safe for threads."""

    def __init__(
        self, engine: FaceDetector, mounting: Mounting | None = None, limits: OrientationLimits | None = None
    ) -> None:
        self._engine = engine
        self._mounting = mounting or Mounting()
        self._limits = limits or OrientationLimits()
        self._measured_at = float("-inf")
        self._turn_of_track: dict[int, int | None] = {}
        self._candidate = 0
        """The turn that the tracks in `_agreeing` were found in, the last at `_agreed_at`."""
        self._agreeing: set[int] = set()
        self._agreed_at = float("-inf")
        self._turn = 0

    @property
    def condition(self) -> Condition:
        """What is wrong with how the camera hangs; GOOD as long as it is not certain."""
        if self._turn == 0:
            return Condition.GOOD
        return Condition.UPSIDE_DOWN if self._turn == 180 else Condition.SIDEWAYS

    @property
    def rotation(self) -> int:
        """The `rotation` that the gate's policy should say, in degrees."""
        turn = -self._turn if self._mounting.mirrored else self._turn
        return (self._mounting.rotation + turn) % 360

    def correct(self, sighting: Sighting, frame: Frame) -> Sighting:
        """Return the sighting of `frame`, in which only a face that stands upright is a false one.

        A face that does not stand upright is still not alive: nobody is let in by it.
        """
        turns = self._turn_of_track.items()
        self._turn_of_track = {track: turn for track, turn in turns if track in sighting.tracks}
        spoof = sighting.liveness is Liveness.SPOOF
        if spoof and sighting.track_id not in self._turn_of_track:
            self._measure(sighting, frame)
        if spoof and sighting.track_id is not None and self._turn_of_track.get(sighting.track_id):
            return replace(sighting, liveness=Liveness.OPEN, spoof_cue=None)
        return sighting

    def observe(self, sighting: Sighting, frame: Frame) -> None:
        """Measure how whoever is in view stands, when it is time to. It takes some detections: decide first."""
        if sighting.tracks and frame.arrived - self._measured_at >= self._limits.every:
            self._measure(sighting, frame)

    def _measure(self, sighting: Sighting, frame: Frame) -> None:
        self._measured_at = frame.arrived
        turn = turn_of(self._engine, frame.image, sighting.face, self._limits)
        if sighting.track_id is not None and (turn is not None or sighting.track_id not in self._turn_of_track):
            self._turn_of_track[sighting.track_id] = turn if turn is not None else self._turn
        if turn is not None:
            self._count(turn, sighting.tracks, frame.arrived)

    def _count(self, turn: int, tracks: frozenset[int], at: float) -> None:
        if turn != self._candidate:
            self._candidate, self._agreeing, self._agreed_at = turn, set(), float("-inf")
        if turn == 0:
            self._turn = 0
            return
        if not tracks & self._agreeing and at - self._agreed_at >= self._limits.apart:
            self._agreeing |= {min(tracks)}
            self._agreed_at = at
        if len(self._agreeing) >= self._limits.people:
            self._turn = turn


def _upright(face: Face) -> float:
    return face.score * face.presence if abs(face.pose.roll) <= _MOST_ROLL else 0.0


def _turned(image: npt.NDArray[np.uint8], turn: int) -> npt.NDArray[np.uint8]:
    return image if turn == 0 else np.asarray(cv2.rotate(image, _CODES[turn]), np.uint8)


def _around(image: npt.NDArray[np.uint8], face: Face) -> npt.NDArray[np.uint8]:
    x, y = face.box.centre
    reach = _AROUND * max(face.box.width, face.box.height)
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    return np.ascontiguousarray(image[top : max(top + 1, int(y + reach)), left : max(left + 1, int(x + reach))])
