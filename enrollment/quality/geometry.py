"""Where in the picture the rules looked: faces, eyes, mouth, the person's outline. For drawing, not for deciding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from enrollment.quality.evidence import Evidence
from enrollment.quality.regions import CHIN_POINT, LEFT_EYE, LIPS, NOSE_TIP, RIGHT_EYE

Point = tuple[int, int]
Polygon = tuple[Point, ...]

_SIDE = 256
_LEAST_AREA = 0.005
"""Specks of the person mask below this share of the picture are not drawn."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Places in pixels of the stored picture, x to the right and y down; right is the person's right.

    Without a face only the picture's size is known.
    """

    width: int
    height: int
    faces: tuple[tuple[int, int, int, int], ...] = ()
    """Left, top, width and height, the largest first."""
    right_eye: Polygon = ()
    left_eye: Polygon = ()
    nose: Polygon = ()
    mouth: Polygon = ()
    face: Polygon = ()
    """Outline of the largest face."""
    chin: Point | None = None
    person: tuple[Polygon, ...] = ()
    """Outlines of what the mask takes for a person; empty without a mask."""

    def to_json(self) -> dict[str, Any]:
        """Return the places as plain lists."""
        return {
            "width": self.width,
            "height": self.height,
            "faces": [list(box) for box in self.faces],
            "right_eye": _to_lists(self.right_eye),
            "left_eye": _to_lists(self.left_eye),
            "nose": _to_lists(self.nose),
            "mouth": _to_lists(self.mouth),
            "face": _to_lists(self.face),
            "chin": None if self.chin is None else list(self.chin),
            "person": [_to_lists(outline) for outline in self.person],
        }


def locate(evidence: Evidence) -> Geometry:
    """Return where things are in the picture."""
    height, width = (int(side) for side in evidence.image.shape[:2])
    if not evidence.faces:
        return Geometry(width, height)
    boxes = (face.box for face in evidence.faces)
    mesh = evidence.mesh[:, :2]

    def part(indices: Sequence[int]) -> Polygon:
        return _round_points(mesh[list(indices)])

    return Geometry(
        width,
        height,
        faces=tuple((round(box.left), round(box.top), round(box.width), round(box.height)) for box in boxes),
        right_eye=part(RIGHT_EYE),
        left_eye=part(LEFT_EYE),
        nose=part(NOSE_TIP),
        mouth=part(LIPS),
        face=_round_points(cv2.convexHull(mesh.astype(np.float32))[:, 0]),
        chin=_round_points(mesh[[CHIN_POINT]])[0],
        person=_find_outlines(evidence.person, width, height),
    )


def _find_outlines(person: npt.NDArray[np.float32] | None, width: int, height: int) -> tuple[Polygon, ...]:
    if person is None:
        return ()
    small = cv2.resize(person, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    contours, _ = cv2.findContours((small > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    scale = np.array([width / _SIDE, height / _SIDE])
    large = (one for one in contours if cv2.contourArea(one) >= _LEAST_AREA * _SIDE * _SIDE)
    return tuple(_round_points(cv2.approxPolyDP(one, 1.0, closed=True)[:, 0] * scale) for one in large)


def _round_points(points: npt.ArrayLike) -> Polygon:
    return tuple((int(x), int(y)) for x, y in np.round(np.asarray(points, np.float64)))


def _to_lists(polygon: Polygon) -> list[list[int]]:
    return [list(point) for point in polygon]
