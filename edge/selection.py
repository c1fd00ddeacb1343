"""Which face of a frame is asked who it is, and whether it can be seen well enough to answer. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.box import Box
from models.face import Face


@dataclass(frozen=True, slots=True)
class Zone:
    """Where in the picture a person stands who wants to pass, as shares of its width and height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):
            raise ValueError("a zone is left < right and top < bottom, all between 0 and 1")

    def holds(self, box: Box, width: int, height: int) -> bool:
        """Return whether the middle of `box` lies in the zone of a picture of this size."""
        x, y = box.centre
        return self.left <= x / width <= self.right and self.top <= y / height <= self.bottom


class Obstacle(StrEnum):
    """Why a face cannot vote in this frame."""

    TOO_FAR = "too_far"
    TURNED_AWAY = "turned_away"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class FaceLimits:
    """What a face must be like to vote.

    They keep out frames whose embedding says little about the person; a frame that is only mediocre is left to the
    threshold.
    """

    least_eye_distance: float = 24.0
    """Pixels; the embedder sees eyes 35 pixels apart, so below about 24 it sees mostly guesses."""
    most_yaw: float = 40.0
    """Degrees."""
    most_pitch: float = 35.0
    """Degrees."""
    least_sharpness: float = 0.01
    """As in `models.hints`."""
    least_brightness: float = 25.0
    """Mean luminance of the skin, 0–255."""
    most_overexposed: float = 0.5
    """Share of burnt-out pixels."""
    least_presence: float = 0.7
    """The landmark model's confidence that this is a face."""

    def obstacle(self, face: Face) -> Obstacle | None:
        """Return what keeps `face` from voting, the thing the person can mend most easily first; None if nothing."""
        checks = (
            (Obstacle.TOO_FAR, face.inter_eye_distance < self.least_eye_distance),
            (Obstacle.TURNED_AWAY, abs(face.pose.yaw) > self.most_yaw or abs(face.pose.pitch) > self.most_pitch),
            (Obstacle.TOO_DARK, face.brightness < self.least_brightness),
            (Obstacle.TOO_BRIGHT, face.overexposed > self.most_overexposed),
            (Obstacle.BLURRED, face.sharpness < self.least_sharpness),
            (Obstacle.UNCERTAIN, face.presence < self.least_presence),
        )
        return next((obstacle for obstacle, stands in checks if stands), None)


_CLEARLY_NEARER = 1.3
"""By how much a face's area must exceed that of the one in front to take its place: two people side by side would
otherwise take turns, and neither would be known."""


def nearest(boxes: Sequence[Box], zone: Zone, width: int, height: int, *, in_front: int | None = None) -> int | None:
    """Return the index of the person nearest the gate: the largest face within `zone`. Others are left alone.

    `in_front` is the index of whoever was nearest in the last frame; they stay so until somebody is clearly nearer.
    """
    inside = [index for index, box in enumerate(boxes) if zone.holds(box, width, height)]
    largest = max(inside, key=lambda index: boxes[index].area, default=None)
    if largest is None or in_front not in inside or in_front is None:
        return largest
    return largest if boxes[largest].area > _CLEARLY_NEARER * boxes[in_front].area else in_front
