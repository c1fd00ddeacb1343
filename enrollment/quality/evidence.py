"""What the rules look at: the photo, its faces, and views of the largest face made once and shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from enrollment.photo import Photo
from enrollment.quality.blur import blur_by_direction
from models.face import Face

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float32]

_RIGHT_EYE, _LEFT_EYE, _CHIN = (33, 133), (362, 263), 152


_THUMBNAIL = 256


class PersonFinder(Protocol):
    """Tells people from background; `enrollment.person_mask.PersonMask` is one."""

    def probability(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return how likely each part of an RGB image (H, W, 3) shows a person: (h, w), 0…1, a grid over the image."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelFace:
    """A face brought to one size, eyes level: RGB uint8 (256, 256, 3) and the mesh (468, 2) in its pixels.

    The middle between the eyes is at (128, 96), the eyes are 80 pixels apart as seen from the front (the distance is
    taken together with the face's height, so that a turned head is not blown up).
    """

    image: npt.NDArray[np.uint8]
    points: Points
    scale: float
    """Pixels here for one pixel of the photo; above 1 the face was enlarged."""


class Evidence:
    """Everything measured once and used by several rules; made for one photo and used by one thread."""

    def __init__(self, photo: Photo, faces: list[Face], person_finder: PersonFinder | None = None) -> None:
        """Take the photo and its faces, the largest first."""
        self.photo = photo
        self.image = photo.image
        self.faces = faces
        self._person_finder = person_finder
        self._level_colours: dict[tuple[int, ...], npt.NDArray[np.float32]] = {}

    @cached_property
    def thumbnail(self) -> npt.NDArray[np.uint8]:
        """The whole image squeezed into 256 × 256 pixels, uint8 (256, 256, 3)."""
        image = self.image
        while min(image.shape[:2]) >= 2 * _THUMBNAIL:
            image = _halved(image)
        small = cv2.resize(image, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)

    @cached_property
    def person(self) -> npt.NDArray[np.float32] | None:
        """The probability of each part of the thumbnail to show a person; None when nobody can tell."""
        return self._person_finder.probability(self.thumbnail) if self._person_finder else None

    @cached_property
    def person_share(self) -> float:
        """Share of the picture that is person; without a person finder, guessed from the size of the head."""
        if self.person is None:
            height, width = self.image.shape[:2]
            # Head and shoulders cover about 6 T wide and 4 T high, less the corners.
            return float(min(1.0, 14 * self.head_height**2 / (height * width)))
        return float((self.person > 0.5).mean())

    @cached_property
    def face(self) -> Face:
        """The largest face; rules that need none do not ask."""
        return self.faces[0]

    @cached_property
    def mesh(self) -> Points:
        """The largest face's mesh (468, 3) in pixels of the image."""
        landmarks = self.face.landmarks
        if landmarks is None:
            raise ValueError("rules need a face with landmarks: detect it with the engine")
        return landmarks

    @cached_property
    def eye_midpoint(self) -> npt.NDArray[np.float32]:
        """The middle between the eyes (x, y)."""
        return np.asarray(self.mesh[[*_RIGHT_EYE, *_LEFT_EYE], :2].mean(axis=0))

    @cached_property
    def head_height(self) -> float:
        """T of ISO/IEC 29794-5: pixels from the middle between the eyes to the chin."""
        return float(np.linalg.norm(self.mesh[_CHIN, :2] - self.eye_midpoint))

    @cached_property
    def original_scale(self) -> float:
        """Pixels of the photo as handed in for one pixel of `image`."""
        return self.photo.file.width / int(self.image.shape[1])

    @cached_property
    def level(self) -> LevelFace:
        """The face at one size, eyes level."""
        right, left = (self.mesh[list(eye), :2].mean(axis=0) for eye in (_RIGHT_EYE, _LEFT_EYE))
        angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
        # In a frontal face T is 1.4 to 2.0 distances of the eyes.
        apart = max(float(np.linalg.norm(left - right)), self.head_height / 2.0, 1.0)
        scale = 80.0 / apart
        image, mesh, warp = self.image, self.mesh[:, :2], scale
        if scale < 0.5:
            # Warping takes four pixels for one: reduce what it will see first, or detail turns into noise.
            image, mesh, reduced = _reduced(image, mesh, 2 * scale)
            warp = scale / reduced
        middle = mesh[[*_RIGHT_EYE, *_LEFT_EYE]].mean(axis=0)
        turn = warp * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix = np.column_stack([turn, np.array([128.0, 96.0]) - turn @ middle])
        warped = cv2.warpAffine(image, matrix, (256, 256), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        points = (mesh @ turn.T + matrix[:, 2]).astype(np.float32)
        return LevelFace(np.asarray(warped, np.uint8), points, scale)

    @cached_property
    def level_lab(self) -> npt.NDArray[np.float32]:
        """The level face in CIELAB, float32 (256, 256, 3)."""
        return _lab(self.level.image)

    @cached_property
    def level_grey(self) -> Grey:
        """The level face's luminance."""
        return np.asarray(cv2.cvtColor(self.level.image, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def level_hull(self) -> Mask:
        """The convex hull of the mesh in the level face."""
        return polygon_mask(cv2.convexHull(self.level.points)[:, 0], (256, 256))

    def level_polygon(self, indices: Sequence[int]) -> Mask:
        """The polygon through the mesh points `indices` in the level face."""
        return polygon_mask(self.level.points[list(indices)], (256, 256))

    def level_colours(self, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """The colours (N, 3) in CIELAB of the level face within the polygon through the mesh points `indices`."""
        key = tuple(indices)
        if key not in self._level_colours:
            points = self.level.points[list(key)]
            low = np.clip(np.floor(points.min(axis=0)).astype(int), 0, 255)
            high = np.clip(np.ceil(points.max(axis=0)).astype(int) + 1, low + 1, 256)
            window = self.level_lab[low[1] : high[1], low[0] : high[0]]
            self._level_colours[key] = window[polygon_mask(points - low, window.shape[:2])]
        return self._level_colours[key]

    @cached_property
    def blur(self) -> dict[int, float]:
        """The blur of the level face along four directions, by degrees; see `enrollment.quality.blur`."""
        return blur_by_direction(self.level_grey)


def polygon_mask(points: npt.ArrayLike, shape: tuple[int, ...]) -> Mask:
    """Return the mask (H, W) of the polygon `points` (N, 2)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(points)).astype(np.int32)], 1)
    return mask.astype(bool)


def _reduced(image: npt.NDArray[np.uint8], mesh: Points, scale: float) -> tuple[npt.NDArray[np.uint8], Points, float]:
    """Reduce the part of `image` around the face with `mesh` (N, 2); return it, the mesh in it, and the exact scale."""
    low, high = mesh.min(axis=0), mesh.max(axis=0)
    # The level face reaches 1.6 distances of the eyes from their middle, and a face is two of them wide.
    margin = float((high - low).max())
    size = np.array(image.shape[1::-1])
    left, top = np.clip(low - margin, 0, size - 2).astype(int)
    right, bottom = np.clip(high + margin, (left + 2, top + 2), size).astype(int)
    part = image[top:bottom, left:right]
    width, height = (max(1, round(side * scale)) for side in (part.shape[1], part.shape[0]))
    smaller = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    scales = np.array([width / part.shape[1], height / part.shape[0]])
    # The centre of a pixel lies half a pixel from its corner, before and after.
    moved = ((mesh - (left, top) + 0.5) * scales - 0.5).astype(np.float32)
    return smaller, moved, float(scales.mean())


def _halved(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Average two by two pixels, which is many times faster than averaging over any other ratio."""
    size = (max(image.shape[1] // 2, 1), max(image.shape[0] // 2, 1))
    return np.asarray(cv2.resize(image[: 2 * size[1], : 2 * size[0]], size, interpolation=cv2.INTER_AREA), np.uint8)


def _lab(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)
