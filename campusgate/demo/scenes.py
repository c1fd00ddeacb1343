"""Synthesised film for the gate's camera: a person in a photograph walks up to the gate, waits, and leaves.

The photograph is placed in front of a plain corridor at a growing scale, out of focus and dim at first, swaying as
people do. Faces are real; only the walk is made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 640, 480
FRAMES_PER_SECOND = 20
_FEATHER = 12


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody who can walk up: a photograph (RGB) and where the face is in it (left, top, width, height; pixels)."""

    photograph: Image
    face: tuple[float, float, float, float]


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
        grain = noise.normal(0, 2, (HEIGHT, WIDTH, 1))
        yield np.clip(blurred * light + grain, 0, 255).astype(np.uint8)


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
    inside = np.zeros(source.shape[:2], np.float32)
    inside[:, _FEATHER:-_FEATHER] = 1
    soft = cv2.GaussianBlur(inside, (0, 0), _FEATHER / 2)
    size = (WIDTH, HEIGHT)
    laid = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR)
    weight = cv2.warpAffine(soft, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    mixed: Image = (laid * weight + backdrop * (1 - weight)).astype(np.uint8)
    return mixed
