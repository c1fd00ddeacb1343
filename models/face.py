"""What the engine finds in an image: a face with its box, its points and hints of its quality."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.box import Box
from models.pose import Pose
from models.template import Template


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of an image.

    `right` and `left` are those of the person, as everywhere in this room: the right eye stands left in the image.
    """

    box: Box
    score: float
    """Confidence of the detector, 0…1."""
    keypoints: npt.NDArray[np.float32]
    """(6, 2) in pixels: right eye, left eye, nose tip, mouth, right ear, left ear."""
    landmarks: npt.NDArray[np.float32] | None
    """(468, 3): x and y in pixels, z on the same scale, smaller is nearer the camera."""
    presence: float
    """Confidence of the landmark model that this is a face, 0…1; low for one that is covered or turned far away."""
    pose: Pose
    inter_eye_distance: float
    """Pixels between the centres of the eyes, as seen."""
    sharpness: float
    """Mean strength of the fine detail of the face, independent of its size and contrast; see `models.hints`."""
    brightness: float
    """Mean luminance of the skin, 0…255."""
    underexposed: float
    """Share of the face's pixels darker than 26, 0…1."""
    overexposed: float
    """Share of the face's pixels brighter than 246, 0…1."""


@dataclass(frozen=True, slots=True, eq=False)
class AnalysedFace:
    """A face and the template that stands for it."""

    face: Face
    template: Template
