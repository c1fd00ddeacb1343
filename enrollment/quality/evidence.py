"""What the rules look at: the photo, its faces, and views of the largest face made once and shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from enrollment.photo import Photo
from enrollment.quality.blur import measure_blur
from enrollment.quality.regions import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS
from models import similarity_transform
from models.face import Face
from models.pixels import halved, shrunk

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float32]

_CHIN = 152
_THUMBNAIL = 256
_LEAST_PIXELS = 5


class EyeReader(Protocol):
    """Tells closed eyes; `enrollment.eye_state.EyeState` is one."""

    def closed(self, image: npt.NDArray[np.uint8], mesh: npt.NDArray[np.float32]) -> tuple[float, float]:
        """Return how likely the right and the left eye of a face in an RGB image are closed, 0…1."""


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

    def __init__(
        self,
        photo: Photo,
        faces: list[Face],
        person_finder: PersonFinder | None = None,
        eye_reader: EyeReader | None = None,
    ) -> None:
        """Take the photo and its faces, the largest first."""
        self.photo = photo
        self.image = photo.image
        self.faces = faces
        self._person_finder = person_finder
        self._eye_reader = eye_reader
        self._level_colours: dict[tuple[int, ...], npt.NDArray[np.float32]] = {}
        self._level_medians: dict[tuple[int, ...], npt.NDArray[np.float32]] = {}

    @cached_property
    def thumbnail(self) -> npt.NDArray[np.uint8]:
        """The whole image squeezed into 256 × 256 pixels, uint8 (256, 256, 3)."""
        return shrunk(self.image, _THUMBNAIL, _THUMBNAIL)

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
        return np.asarray(self.mesh[[*RIGHT_EYE_CORNERS, *LEFT_EYE_CORNERS], :2].mean(axis=0))

    @cached_property
    def closed_eyes(self) -> tuple[float, float] | None:
        """How likely the right and the left eye are closed, 0…1; None when nobody can tell."""
        return self._eye_reader.closed(self.image, self.mesh) if self._eye_reader else None

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
        right, left = (self.mesh[list(eye), :2].mean(axis=0) for eye in (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS))
        angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
        # In a frontal face T is 1.4 to 2.0 distances of the eyes.
        apart = max(float(np.linalg.norm(left - right)), self.head_height / 2.0, 1.0)
        scale = 80.0 / apart
        turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix = np.column_stack([turn, np.array([128.0, 96.0]) - turn @ self.eye_midpoint])
        points = (self.mesh[:, :2] @ turn.T + matrix[:, 2]).astype(np.float32)
        return LevelFace(_level_image(self.image, matrix, scale), points, scale)

    @cached_property
    def level_lab(self) -> npt.NDArray[np.float32]:
        """The level face in CIELAB, float32 (256, 256, 3)."""
        return to_lab(self.level.image)

    @cached_property
    def level_grey(self) -> Grey:
        """The level face's luminance."""
        return np.asarray(cv2.cvtColor(self.level.image, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def level_hull(self) -> Mask:
        """The convex hull of the mesh in the level face."""
        return fill_polygon(cv2.convexHull(self.level.points)[:, 0], (256, 256))

    def level_polygon(self, indices: Sequence[int]) -> Mask:
        """The polygon through the mesh points `indices` in the level face."""
        return fill_polygon(self.level.points[list(indices)], (256, 256))

    def level_colours(self, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """The colours (N, 3) in CIELAB of the level face within the polygon through the mesh points `indices`.

        Black when nothing worth measuring is left of it.
        """
        key = tuple(indices)
        if key not in self._level_colours:
            points = self.level.points[list(key)]
            low = np.clip(np.floor(points.min(axis=0)).astype(int), 0, 255)
            high = np.clip(np.ceil(points.max(axis=0)).astype(int) + 1, low + 1, 256)
            window = self.level_lab[low[1] : high[1], low[0] : high[0]]
            found = window[fill_polygon(points - low, window.shape[:2])]
            self._level_colours[key] = found if len(found) >= _LEAST_PIXELS else np.zeros((1, 3), np.float32)
        return self._level_colours[key]

    def level_colour(self, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """The median (3,) of `level_colours`."""
        key = tuple(indices)
        if key not in self._level_medians:
            self._level_medians[key] = take_median(self.level_colours(key))
        return self._level_medians[key]

    @cached_property
    def blur(self) -> dict[int, float]:
        """The blur of the level face along four directions, by degrees; see `enrollment.quality.blur`."""
        return measure_blur(self.level_grey)


def fill_polygon(points: npt.ArrayLike, shape: tuple[int, ...]) -> Mask:
    """Return the mask (H, W) of the polygon `points` (N, 2)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(points)).astype(np.int32)], 1)
    return mask.astype(bool)


def to_lab(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return an RGB image (H, W, 3) in CIELAB."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)


def take_median(colours: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the median (3,) of colours (N, 3), channel by channel."""
    # Many small regions: `numpy.median` takes longer to check its arguments than this for all of it.
    middle = [(len(colours) - 1) // 2, len(colours) // 2]
    return np.asarray(np.partition(np.ascontiguousarray(colours.T), middle, axis=1)[:, middle].mean(axis=1))


def _level_image(image: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.uint8]:
    """Return the 256 × 256 pixels that `matrix`, of this `scale`, carries there; beyond its edges the image goes on."""
    border = cv2.BORDER_REPLICATE
    if scale >= 0.5:
        return similarity_transform.crop(image, matrix, 256, border=border)
    # Warping takes four pixels for one, so that detail would turn into noise: it is done at twice the size.
    twice = 2 * matrix
    twice[:, 2] += 0.5
    return halved(similarity_transform.crop(image, twice, 512, border=border))
