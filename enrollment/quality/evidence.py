"""What the rules look at: the photo, its faces, and views of the largest face made once and shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from enrollment.photo import Photo
from models.face import Face

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float32]

_RIGHT_EYE, _LEFT_EYE, _CHIN = (33, 133), (362, 263), 152


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

    def __init__(self, photo: Photo, faces: list[Face], person: npt.NDArray[np.float32] | None = None) -> None:
        """Take the photo, its faces, the largest first, and the probability (H, W) of each pixel to be a person."""
        self.photo = photo
        self.image = photo.image
        self.faces = faces
        self.person = person

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
    def lab(self) -> npt.NDArray[np.float32]:
        """The image in CIELAB, float32 (H, W, 3): L 0…100, a and b around 0."""
        return _lab(self.image)

    @cached_property
    def level(self) -> LevelFace:
        """The face at one size, eyes level."""
        right, left = (self.mesh[list(eye), :2].mean(axis=0) for eye in (_RIGHT_EYE, _LEFT_EYE))
        angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
        # In a frontal face T is 1.4 to 2.0 distances of the eyes.
        apart = max(float(np.linalg.norm(left - right)), self.head_height / 2.0, 1.0)
        scale = 80.0 / apart
        image, mesh = self.image, self.mesh[:, :2]
        if scale < 0.5:
            # Warping takes four pixels for one: reduce first, or detail turns into noise.
            smaller = cv2.resize(image, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
            image = np.asarray(smaller, np.uint8)
            mesh = mesh * (image.shape[1] / self.image.shape[1])
            warp = 80.0 / (apart * image.shape[1] / self.image.shape[1])
        else:
            warp = scale
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


def polygon_mask(points: npt.ArrayLike, shape: tuple[int, int]) -> Mask:
    """Return the mask (H, W) of the polygon `points` (N, 2)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(points)).astype(np.int32)], 1)
    return mask.astype(bool)


def _lab(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)
