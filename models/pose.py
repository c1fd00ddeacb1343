"""Which way a head points, from the 468 landmarks."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SYMMETRIC_PAIRS = np.array([(33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (93, 323), (50, 280), (70, 300)])
"""Points of the mesh that mirror each other: the right one first."""
_FOREHEAD, _CHIN = 10, 152
_NEUTRAL_PITCH = 0.0
"""Degrees by which the line from forehead to chin leans when a head looks straight at the camera."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles in degrees, all 0 for a head upright and facing the camera.

    yaw: positive when the face turns to the person's own left (to the right in the image);
    pitch: positive when it looks up; roll: positive when the head leans clockwise in the image.
    """

    yaw: float
    pitch: float
    roll: float


def pose_of(landmarks: npt.NDArray[np.float32]) -> Pose:
    """Return the pose of the mesh `landmarks` (468, 3).

    The lines between mirrored points give the axis across the head, whatever the expression; the line from forehead
    to chin, made perpendicular to it, the axis along it.
    """
    right, left = landmarks[_SYMMETRIC_PAIRS[:, 0]], landmarks[_SYMMETRIC_PAIRS[:, 1]]
    across = (left - right).mean(axis=0).astype(float)
    across /= np.linalg.norm(across) or 1.0
    down = (landmarks[_CHIN] - landmarks[_FOREHEAD]).astype(float)
    down -= across * (down @ across)
    down /= np.linalg.norm(down) or 1.0
    roll = math.atan2(across[1], across[0])
    yaw = math.atan2(across[2], math.hypot(across[0], across[1]))
    # Undo roll and yaw: what is left of `down`, which is perpendicular to `across`, has only height and depth.
    height = -math.sin(roll) * down[0] + math.cos(roll) * down[1]
    sideways = math.cos(roll) * down[0] + math.sin(roll) * down[1]
    depth = math.cos(yaw) * down[2] - math.sin(yaw) * sideways
    pitch = math.atan2(-depth, height)
    return Pose(math.degrees(yaw), math.degrees(pitch) - _NEUTRAL_PITCH, math.degrees(roll))
