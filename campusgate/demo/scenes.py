"""Synthesised film for the gate's camera: a person in a photograph walks up to the gate, waits, and leaves.

The photograph is placed in front of a plain corridor at a growing scale, out of focus and dim at first, swaying as
people do. Faces are real; only the walk is made. Somebody else holds up a telephone that shows the photograph.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 640, 480
FRAMES_PER_SECOND = 20
_FEATHER = 12
_FOCAL = 600.0
"""Pixels, of the camera that sees the telephone."""


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody who can walk up: a photograph (RGB) and where the face is in it (left, top, width, height; pixels)."""

    photograph: Image
    face: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Telephone:
    """A telephone that shows a photograph, held up by a hand that is not quite still. Lengths in widths of the face.

    `up` and `down` reach from the middle of the face to the telephone's ends; `turn` is how far it turns, in degrees.
    """

    face_width: float = 130.0
    width: float = 2.0
    up: float = 1.8
    down: float = 1.3
    bezel: float = 0.08
    turn: float = 12.0
    raise_s: float = 0.6
    hold_s: float = 2.5


@dataclass(frozen=True, slots=True)
class Walk:
    """How somebody walks up: widths of the face in pixels, and seconds of each part."""

    from_width: float = 55.0
    to_width: float = 150.0
    approach_s: float = 2.0
    wait_s: float = 1.5
    leave_s: float = 0.8
    start_light: float = 0.7


def corridor(seed: int = 7) -> Image:
    """Return the empty view: a wall that darkens towards the floor, with the grain of a sensor."""
    rows = np.linspace(208, 120, HEIGHT)[:, None, None]
    tint = np.array([1.0, 0.99, 0.96])
    grain = np.random.default_rng(seed).normal(0, 2, (HEIGHT, WIDTH, 1))
    view: Image = np.clip(rows * tint + grain, 0, 255).astype(np.uint8)
    return view


def walk_up(walker: Walker, walk: Walk | None = None, *, seed: int = 7) -> Iterator[Image]:
    """Yield the frames, RGB uint8 (480, 640, 3), of `walker` coming, waiting and leaving to the right."""
    walk = walk or Walk()
    backdrop = corridor(seed)
    noise = np.random.default_rng(seed)
    for progress, offset in _path(walk):
        width = walk.from_width + (walk.to_width - walk.from_width) * progress
        centre_x = WIDTH / 2 + 14 * np.sin(progress * 9) + offset * WIDTH
        centre_y = HEIGHT * (0.36 + 0.06 * progress)
        frame = _place(backdrop, walker, width, centre_x, centre_y)
        light = walk.start_light + (1.05 - walk.start_light) * progress
        blurred = cv2.GaussianBlur(frame, (0, 0), 0.4 + 1.2 * (1 - progress))
        yield _grainy(blurred * np.float32(light), noise)


def hold_up(walker: Walker, telephone: Telephone | None = None, *, seed: int = 11) -> Iterator[Image]:
    """Yield the frames, RGB uint8 (480, 640, 3), of a telephone that is raised, held up and taken down again."""
    telephone = telephone or Telephone()
    backdrop, noise = corridor(seed), np.random.default_rng(seed)
    screen, middle, scale = _screen(walker, telephone)
    raising = np.linspace(1.0, 0.0, round(telephone.raise_s * FRAMES_PER_SECOND))
    lowered = [*raising, *np.zeros(round(telephone.hold_s * FRAMES_PER_SECOND)), *raising[::-1]]
    for number, below in enumerate(lowered):
        second = number / FRAMES_PER_SECOND
        yaw, pitch = np.radians(telephone.turn) * np.array([np.sin(4.1 * second), np.cos(3.3 * second)])
        at = WIDTH / 2 + 8 * np.sin(5 * second), HEIGHT * (0.45 + 0.9 * below) + 4 * np.cos(7 * second)
        matrix = _turned(middle, scale, telephone.face_width, (yaw, pitch), at)
        laid = cv2.warpPerspective(screen, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
        covers = _in_three(cv2.warpPerspective(np.ones(screen.shape[:2], np.float32), matrix, (WIDTH, HEIGHT)))
        frame = cv2.GaussianBlur(laid * covers + backdrop * (1 - covers), (0, 0), 0.6)
        yield _grainy(frame, noise)


def _screen(walker: Walker, telephone: Telephone) -> tuple[Image, tuple[float, float], float]:
    """Return the telephone's front, where on it the middle of the face is, and its pixels for a width of the face."""
    left, top, width, height = walker.face
    unit = 2 * telephone.face_width
    columns, rows = round(telephone.width * unit), round((telephone.up + telephone.down) * unit)
    middle = columns / 2, telephone.up * unit
    fit = unit / width
    matrix = np.array([[fit, 0, middle[0] - fit * (left + width / 2)], [0, fit, middle[1] - fit * (top + height / 2)]])
    front = cv2.warpAffine(walker.photograph, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    edge = round(telephone.bezel * unit)
    dark = np.full_like(front, 18)
    dark[edge:-edge, edge:-edge] = front[edge:-edge, edge:-edge]
    return np.asarray(dark, np.uint8), middle, unit


def _turned(
    middle: tuple[float, float], unit: float, face_width: float, turn: tuple[float, float], at: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Return the homography of a flat thing that is turned (yaw, pitch; radians) and has its middle at a pixel."""
    yaw, pitch = turn
    rotation = cv2.Rodrigues(np.array([0.0, yaw, 0.0]))[0] @ cv2.Rodrigues(np.array([pitch, 0.0, 0.0]))[0]
    away = _FOCAL / face_width
    flat = np.array([[1 / unit, 0, -middle[0] / unit], [0, 1 / unit, -middle[1] / unit], [0, 0, 1]])
    space = np.column_stack([rotation[:, :2], [0, 0, away]]) @ flat
    camera = np.array([[_FOCAL, 0, at[0]], [0, _FOCAL, at[1]], [0, 0, 1]])
    return np.asarray(camera @ space)


def _path(walk: Walk) -> Iterator[tuple[float, float]]:
    """Yield (progress of the approach 0–1, sideways offset in frame widths) for each frame."""

    def spread(seconds: float, step: Callable[[float], tuple[float, float]]) -> Iterator[tuple[float, float]]:
        frames = max(1, round(seconds * FRAMES_PER_SECOND))
        return (step(index / frames) for index in range(frames))

    yield from spread(walk.approach_s, lambda part: (part, 0.0))
    yield from spread(walk.wait_s, lambda _part: (1.0, 0.0))
    yield from spread(walk.leave_s, lambda part: (1.0, part))


def _place(backdrop: Image, walker: Walker, face_width: float, centre_x: float, centre_y: float) -> Image:
    """Lay the photograph over the backdrop so that its face has the given width and centre (pixels)."""
    left, top, width, height = walker.face
    scale = face_width / width
    matrix = np.array(
        [
            [scale, 0, centre_x - scale * (left + width / 2)],
            [0, scale, centre_y - scale * (top + height / 2)],
        ]
    )
    # Shrinking by more than a factor aliases in warpAffine, so the photograph is brought near its size first.
    source = walker.photograph
    if scale < 0.5:
        source = cv2.resize(source, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix[:, :2] /= scale
    inside = np.zeros((2, source.shape[1]), np.float32)
    inside[:, _FEATHER:-_FEATHER] = 1
    # All rows are equal; of a single one OpenCV rounds sums to just below 1.
    soft = np.repeat(cv2.GaussianBlur(inside, (0, 0), _FEATHER / 2)[:1], source.shape[0], axis=0)
    size = (WIDTH, HEIGHT)
    laid = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR)
    weight = _in_three(cv2.warpAffine(soft, matrix, size, flags=cv2.INTER_LINEAR))
    mixed: Image = (laid * weight + backdrop * (1 - weight)).astype(np.uint8)
    return mixed


def _grainy(frame: npt.NDArray[Any], noise: np.random.Generator) -> Image:
    """Add the grain of a sensor."""
    grain = noise.normal(0, 2, (HEIGHT, WIDTH)).astype(np.float32)
    grainy: Image = np.clip(frame + _in_three(grain), 0, 255).astype(np.uint8)
    return grainy


def _in_three(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return (H, W) as three equal channels: to spread it while computing takes several times as long."""
    return np.asarray(cv2.merge([values] * 3), np.float32)
