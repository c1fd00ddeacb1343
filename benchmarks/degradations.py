"""What can be wrong with a photo, done to a good one on purpose: each fault in one or more strengths.

All work on RGB uint8 (H, W, 3) and the mesh (468, 3) of the face in it, and give the same picture for the same input.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

Image = npt.NDArray[np.uint8]
Mesh = npt.NDArray[np.float32]

_RIGHT_EYE, _LEFT_EYE = (33, 133), (362, 263)
# Contours of the face mesh, as MediaPipe numbers its points.
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
        150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
_LOWER_OVAL = (454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234)


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A photo, the mesh of its face, and a grid (h, w) over it of the probability to be the person."""

    image: Image
    mesh: Mesh
    person: npt.NDArray[np.float32]

    @property
    def eyes(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The centres of the right and the left eye."""
        return self.mesh[list(_RIGHT_EYE), :2].mean(axis=0), self.mesh[list(_LEFT_EYE), :2].mean(axis=0)

    @property
    def apart(self) -> float:
        """Pixels between the eyes."""
        right, left = self.eyes
        return float(np.linalg.norm(left - right))


Degrade = Callable[[Portrait, Portrait], Image]
"""Makes the faulty picture of a portrait; another portrait is given for faults that need a second person."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, the rules that should notice it, and whether it is strong enough that a required rule must."""

    name: str
    degrade: Degrade
    rules: tuple[str, ...]
    strong: bool = True
    file: Mapping[str, int] = field(default_factory=dict)
    """How the picture is saved when that is the fault: `{"quality": 10}`."""


def _grey(portrait: Portrait, _: Portrait) -> Image:
    grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[..., None], 3, axis=2)


def _sepia(portrait: Portrait, _: Portrait) -> Image:
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return _clipped(portrait.image @ matrix.T)


def _toned(portrait: Portrait, other: Portrait) -> Image:
    return _clipped(_grey(portrait, other) * np.array([0.75, 0.9, 1.1]))


def _tinted(portrait: Portrait, _: Portrait) -> Image:
    return _clipped(0.45 * portrait.image + 0.55 * np.array([40, 90, 220]))


def _blur(sigma: float) -> Degrade:
    """Out of focus; `sigma` in distances of the eyes."""
    return lambda portrait, _: np.asarray(cv2.GaussianBlur(portrait.image, (0, 0), sigma * portrait.apart), np.uint8)


def _motion(length: float, angle: float) -> Degrade:
    """Shaken along `angle` degrees; `length` in distances of the eyes."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        size = max(3, round(length * portrait.apart)) | 1
        level = np.zeros((size, size), np.float32)
        level[size // 2] = 1
        turn = cv2.getRotationMatrix2D((size // 2, size // 2), angle, 1)
        kernel = np.asarray(cv2.warpAffine(level, turn, (size, size)), np.float32)
        return np.asarray(cv2.filter2D(portrait.image, -1, kernel / kernel.sum()), np.uint8)

    return degrade


def _noise(sigma: float) -> Degrade:
    def degrade(portrait: Portrait, _: Portrait) -> Image:
        return _clipped(portrait.image + np.random.default_rng(3).normal(0, sigma, portrait.image.shape))

    return degrade


def _unchanged(portrait: Portrait, _: Portrait) -> Image:
    return portrait.image


def _recompressed(quality: int) -> Degrade:
    """Saved badly, then saved well again: the file no longer says so."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        stream = io.BytesIO()
        Pillow.fromarray(portrait.image).save(stream, "JPEG", quality=quality)
        return np.asarray(Pillow.open(stream).convert("RGB"), np.uint8)

    return degrade


def _light(factor: float) -> Degrade:
    """More or less light, in linear light, as an exposure does."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        linear = (portrait.image / 255.0) ** 2.2
        return _clipped(255 * np.clip(linear * factor, 0, 1) ** (1 / 2.2))

    return degrade


def _side_light(dark: float) -> Degrade:
    """Light from one side: across the face it falls to `dark`, in linear light."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        right, left = portrait.eyes
        across = (np.arange(portrait.image.shape[1]) - (right[0] + left[0]) / 2) / portrait.apart
        gain = dark + (1.15 - dark) / (1 + np.exp(-6 * across))
        linear = (portrait.image / 255.0) ** 2.2 * gain[None, :, None]
        return _clipped(255 * np.clip(linear, 0, 1) ** (1 / 2.2))

    return degrade


def _tilt(degrees: float) -> Degrade:
    """The head leaned to the side it already leans to."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        right, left = portrait.eyes
        leaning = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
        turn = -degrees if leaning >= 0 else degrees
        centre = portrait.mesh[:, :2].mean(axis=0)
        matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), turn, 0.9)
        return _warped(portrait.image, matrix, portrait.image.shape[:2])

    return degrade


def _turned(degrees: float, axis: int) -> Degrade:
    """The head turned further the way it is turned (axis 0: sideways, 1: up or down), by turning the mesh in space."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        mesh = portrait.mesh.astype(float)
        centre = mesh[[234, 454, 10, 152]].mean(axis=0)
        # Around the face the head goes on, and further out the picture stays as it is.
        around = centre + (mesh[list(OVAL)] - centre) * np.array([1.3, 1.3, 1.0])
        still = centre + (mesh[list(OVAL)] - centre) * np.array([2.0, 2.0, 1.0])
        moving = np.concatenate([mesh, around]) - centre
        angle = np.radians(degrees) * (1.0 if moving[1, axis] >= 0 else -1.0)
        moved = moving.copy()
        moved[:, axis] = moving[:, axis] * np.cos(angle) - moving[:, 2] * np.sin(angle)
        moved[:, 2] = moving[:, axis] * np.sin(angle) + moving[:, 2] * np.cos(angle)
        before = np.concatenate([moving + centre, still])
        return _draped(portrait.image, before, np.concatenate([moved + centre, still]))

    return degrade


def _cropped(share: float, side: str) -> Degrade:
    """Cut off so that `share` of the face's height (or width) is outside the picture."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        left, top = portrait.mesh[:, :2].min(axis=0)
        right, bottom = portrait.mesh[:, :2].max(axis=0)
        height, width = portrait.image.shape[:2]
        if side == "bottom":
            cut = portrait.image[: round(min(bottom, height) - share * (bottom - top))]
        elif side == "top":
            cut = portrait.image[round(max(top, 0) + share * (bottom - top)) :]
        else:
            cut = portrait.image[:, round(max(left, 0) + share * (right - left)) : width]
        return np.ascontiguousarray(cut)

    return degrade


def _far(scale: float) -> Degrade:
    """Far away: the picture reduced, in the middle of a larger wall."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        height, width = portrait.image.shape[:2]
        canvas = np.full_like(portrait.image, 190)
        small = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        top, left = height - small.shape[0], (width - small.shape[1]) // 2
        canvas[top:, left : left + small.shape[1]] = small
        return canvas

    return degrade


def _small(apart: float) -> Degrade:
    """The whole picture reduced until the eyes are `apart` pixels from each other."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        scale = apart / portrait.apart
        small = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)

    return degrade


def _second_face(portrait: Portrait, other: Portrait) -> Image:
    height, width = portrait.image.shape[:2]
    beside = cv2.resize(other.image, (width, height), interpolation=cv2.INTER_AREA)
    return np.concatenate([portrait.image, beside], axis=1)


def _background(kind: str) -> Degrade:
    """Another background: plain, two-coloured, or patterned."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        height, width = portrait.image.shape[:2]
        rows, columns = np.mgrid[0:height, 0:width]
        light, dark = np.array([205.0, 215.0, 225.0]), np.array([90.0, 60.0, 50.0])
        match kind:
            case "plain":
                mix = np.zeros((height, width))
            case "two-coloured":
                mix = (columns > width / 2).astype(float)
            case _:
                mix = ((rows // (height // 12) + columns // (width // 12)) % 2).astype(float)
        backdrop = light * (1 - mix[..., None]) + dark * mix[..., None]
        person = cv2.resize(portrait.person, (width, height), interpolation=cv2.INTER_LINEAR)
        soft = cv2.GaussianBlur(person, (0, 0), 2)[..., None]
        return _clipped(portrait.image * soft + backdrop * (1 - soft))

    return degrade


def _smoothed(strength: float) -> Degrade:
    """A beauty filter on the skin: edges stay, texture goes."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        size = max(5, round(portrait.apart / 12)) | 1
        smooth = portrait.image
        for _round in range(2):
            smooth = np.asarray(cv2.bilateralFilter(smooth, size, 40, size / 2), np.uint8)
        skin = np.zeros(portrait.image.shape[:2], np.float32)
        cv2.fillPoly(skin, [np.round(portrait.mesh[list(OVAL), :2]).astype(np.int32)], 1.0)
        weight = strength * cv2.GaussianBlur(skin, (0, 0), portrait.apart / 12)[..., None]
        return _clipped(portrait.image * (1 - weight) + smooth * weight)

    return degrade


def _eyes_enlarged(factor: float) -> Degrade:
    def degrade(portrait: Portrait, _: Portrait) -> Image:
        image = portrait.image
        for eye in portrait.eyes:
            rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
            dx, dy = columns - eye[0], rows - eye[1]
            near = np.clip(1 - np.hypot(dx, dy) / (0.45 * portrait.apart), 0, 1)
            shrink = (1 - (1 - 1 / factor) * near * (2 - near)).astype(np.float32)
            image = np.asarray(cv2.remap(image, eye[0] + dx * shrink, eye[1] + dy * shrink, cv2.INTER_LINEAR), np.uint8)
        return image

    return degrade


def _mask(colour: tuple[int, int, int]) -> Degrade:
    """A mask drawn over nose, mouth and chin, with folds and loops."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        points = portrait.mesh[:, :2]
        bridge = points[197]
        outline = np.array([bridge, *points[list(_LOWER_OVAL[1:-1])]])
        chin = points[152]
        outline[8:13] += (chin - bridge) * 0.05
        drawn = portrait.image.copy()
        cv2.fillPoly(drawn, [np.round(outline).astype(np.int32)], colour)
        thickness = max(1, round(portrait.apart / 50))
        shade = tuple(int(value * 0.85) for value in colour)
        for share in (0.3, 0.5, 0.7):
            start = points[93] * (1 - share) + points[172] * share
            end = points[323] * (1 - share) + points[397] * share
            cv2.line(drawn, _pixel(start), _pixel(end), shade, thickness)
        cv2.line(drawn, _pixel(points[93]), _pixel(points[127]), colour, thickness)
        cv2.line(drawn, _pixel(points[323]), _pixel(points[356]), colour, thickness)
        return np.asarray(cv2.GaussianBlur(drawn, (3, 3), 0), np.uint8)

    return degrade


def _sunglasses(shade: int, opacity: float) -> Degrade:
    def degrade(portrait: Portrait, _: Portrait) -> Image:
        drawn = portrait.image.copy()
        right, left = portrait.eyes
        angle = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
        axes = (round(0.40 * portrait.apart), round(0.30 * portrait.apart))
        for eye in (right, left):
            cv2.ellipse(drawn, _pixel(eye), axes, angle, 0, 360, (shade, shade, shade + 5), -1, cv2.LINE_AA)
        cv2.line(drawn, _pixel(right), _pixel(left), (shade, shade, shade), max(2, round(portrait.apart / 20)))
        return _clipped(portrait.image * (1 - opacity) + drawn * opacity)

    return degrade


def _hand(part: str) -> Degrade:
    """A hand over a part of the face: fingers of skin, taken from the forehead's colour, with shadows between."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        points, apart = portrait.mesh[:, :2], portrait.apart
        height, width = portrait.image.shape[:2]
        columns, rows = np.round(points[[151, 9, 108, 337]]).astype(int).T
        skin = np.median(portrait.image[rows.clip(0, height - 1), columns.clip(0, width - 1)], axis=0)
        centre = points[{"mouth": 13, "eye": 159, "cheek": 50}[part]]
        drawn = portrait.image.astype(np.float32)
        for finger in range(4):
            middle = centre + np.array([(finger - 1.5) * 0.27 * apart, 0.25 * apart])
            layer = np.zeros((height, width), np.float32)
            cv2.ellipse(layer, _pixel(middle), (round(0.14 * apart), round(0.75 * apart)), 8, 0, 360, 1.0, -1)
            across = (np.arange(width) - middle[0]) / (0.14 * apart)
            rounding = np.clip(1.05 - 0.28 * across**2, 0.55, 1.05)[None, :, None]
            weight = cv2.GaussianBlur(layer, (0, 0), 1.0)[..., None]
            drawn = drawn * (1 - weight) + (skin * 0.97 * rounding) * weight
        return _clipped(drawn)

    return degrade


def _hair(portrait: Portrait, _: Portrait) -> Image:
    """A dark fringe over both eyes."""
    drawn = portrait.image.copy()
    points, apart = portrait.mesh[:, :2], portrait.apart
    rng = np.random.default_rng(5)
    top, low = points[10] - (points[152] - points[10]) * 0.1, (points[145] + points[374]) / 2
    side = (points[356] - points[127]) * 0.5
    for _strand in range(260):
        across = rng.uniform(-1, 1)
        start = top + side * across * 0.9
        end = low + side * (across + rng.normal(0, 0.04)) + (low - top) * rng.normal(0.05, 0.06)
        shade = int(rng.uniform(15, 55))
        brown = (shade, int(shade * 0.8), int(shade * 0.7))
        cv2.line(drawn, _pixel(start), _pixel(end), brown, max(1, round(apart / 40)), cv2.LINE_AA)
    return drawn


FAULTS: tuple[Fault, ...] = (
    Fault("grey", _grey, ("colour",)),
    Fault("sepia", _sepia, ("colour",)),
    Fault("toned blue", _toned, ("colour",)),
    Fault("tinted blue", _tinted, ("colour",)),
    Fault("blur, weak", _blur(0.02), ("sharp",), strong=False),
    Fault("blur", _blur(0.05), ("sharp",)),
    Fault("motion, level", _motion(0.22, 0), ("motion_blur",)),
    Fault("motion, slanting", _motion(0.22, 40), ("motion_blur",)),
    Fault("noise, weak", _noise(12), ("noise",), strong=False),
    Fault("noise", _noise(45), ("noise",)),
    Fault("JPEG 10", _unchanged, ("compression",), file={"quality": 10}),
    Fault("JPEG 10, saved again", _recompressed(10), ("compression",)),
    Fault("dark", _light(0.04), ("exposure",)),
    Fault("dark, weak", _light(0.2), ("exposure",), strong=False),
    Fault("bright", _light(6.0), ("exposure",)),
    Fault("bright, weak", _light(2.0), ("exposure",), strong=False),
    Fault("side light", _side_light(0.05), ("even_light",)),
    Fault("tilt 20°", _tilt(20), ("straight",)),
    Fault("tilt 35°", _tilt(35), ("frontal",)),
    Fault("turned 25°", _turned(25, 0), ("straight",)),
    Fault("turned 50°", _turned(50, 0), ("frontal",)),
    Fault("nodding 45°", _turned(45, 1), ("frontal",)),
    Fault("chin cut off", _cropped(0.2, "bottom"), ("head_in_picture",)),
    Fault("forehead cut off", _cropped(0.25, "top"), ("head_in_picture",)),
    Fault("side cut off", _cropped(0.25, "left"), ("head_in_picture",)),
    Fault("far away, weak", _far(0.4), ("framing",), strong=False),
    Fault("far away", _far(0.25), ("framing",)),
    Fault("second face", _second_face, ("one_face",)),
    Fault("two-coloured background", _background("two-coloured"), ("background",)),
    Fault("patterned background", _background("patterned"), ("background",)),
    Fault("smoothed 50 %", _smoothed(0.5), ("beautified",), strong=False),
    Fault("smoothed 75 %", _smoothed(0.75), ("beautified",), strong=False),
    Fault("smoothed 100 %", _smoothed(1.0), ("beautified",)),
    Fault("eyes enlarged", _eyes_enlarged(1.25), ("beautified",), strong=False),
    Fault("mask, white", _mask((235, 238, 240)), ("unobstructed",)),
    Fault("mask, blue", _mask((120, 170, 215)), ("unobstructed",)),
    Fault("mask, black", _mask((30, 30, 34)), ("unobstructed",)),
    Fault("sunglasses", _sunglasses(18, 1.0), ("unobstructed",)),
    Fault("small face", _small(25), ("face_large_enough",)),
    Fault("sunglasses, see-through", _sunglasses(18, 0.6), ("unobstructed",), strong=False),
    Fault("hand on mouth", _hand("mouth"), ("unobstructed",)),
    Fault("hand on eye", _hand("eye"), ("unobstructed",)),
    Fault("hair over eyes", _hair, ("unobstructed",)),
)

CHANGES_NOTHING = Fault("plain background", _background("plain"), ())
"""A background as the rules want it: whatever a rule about the background still finds here is a false alarm."""


def _clipped(values: npt.ArrayLike) -> Image:
    return np.asarray(np.clip(np.asarray(values), 0, 255).round(), np.uint8)


def _warped(image: Image, matrix: npt.ArrayLike, shape: tuple[int, int]) -> Image:
    warped = cv2.warpAffine(
        image, np.asarray(matrix), shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)


def _draped(image: Image, before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> Image:
    """Drape the picture over the points moved from `before` to `after` (N, 3), the nearest triangles last."""
    height, width = image.shape[:2]
    plane = cv2.Subdiv2D((-2 * width, -2 * height, 5 * width, 5 * height))
    index = {}
    for number, point in enumerate(before[:, :2].astype(np.float32)):
        plane.insert((float(point[0]), float(point[1])))
        index[point.tobytes()] = number
    corners = np.asarray(plane.getTriangleList()).reshape(-1, 3, 2).astype(np.float32)
    triangles = [[index.get(corner.tobytes(), -1) for corner in triangle] for triangle in corners]
    whole = [triangle for triangle in triangles if min(triangle) >= 0]
    drawn = image.copy()
    for triangle in sorted(whole, key=lambda each: -after[each, 2].mean()):
        _drape(image, drawn, before[triangle, :2], after[triangle, :2])
    return drawn


def _drape(image: Image, drawn: Image, before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> None:
    height, width = drawn.shape[:2]
    left, top = np.clip(np.floor(after.min(axis=0)).astype(int), 0, (width, height))
    right, bottom = np.clip(np.ceil(after.max(axis=0)).astype(int) + 1, 0, (width, height))
    if right <= left or bottom <= top:
        return
    matrix = cv2.getAffineTransform(before.astype(np.float32), (after - (left, top)).astype(np.float32))
    size = (int(right - left), int(bottom - top))
    piece = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(inside, np.round(after - (left, top)).astype(np.int32), 1)
    drawn[top:bottom, left:right][inside > 0] = piece[inside > 0]


def _pixel(point: npt.NDArray[np.floating]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
