"""Faults of posture, framing and surroundings, and of the face's shape."""

import cv2
import numpy as np
import numpy.typing as npt

from tests.doubles.degradations.portrait import OVAL, Degrade, Image, Portrait, clipped


def tilt(degrees: float) -> Degrade:
    """The head leaned to the side it already leans to."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        right, left = portrait.eyes
        leaning = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
        turn = -degrees if leaning >= 0 else degrees
        centre = portrait.mesh[:, :2].mean(axis=0)
        matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), turn, 0.9)
        return _warped(portrait.image, matrix, portrait.image.shape[:2])

    return degrade


def turned(degrees: float, axis: int) -> Degrade:
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


def cropped(share: float, side: str) -> Degrade:
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


def far(scale: float) -> Degrade:
    """Far away: the picture reduced, in the middle of a larger wall."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        height, width = portrait.image.shape[:2]
        canvas = np.full_like(portrait.image, 190)
        small = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        top, left = height - small.shape[0], (width - small.shape[1]) // 2
        canvas[top:, left : left + small.shape[1]] = small
        return canvas

    return degrade


def small(apart: float) -> Degrade:
    """The whole picture reduced until the eyes are `apart` pixels from each other."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        scale = apart / portrait.apart
        small = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)

    return degrade


def second_face(portrait: Portrait, other: Portrait) -> Image:
    """Another person beside the first."""
    height, width = portrait.image.shape[:2]
    beside = cv2.resize(other.image, (width, height), interpolation=cv2.INTER_AREA)
    return np.concatenate([portrait.image, beside], axis=1)


def background(kind: str) -> Degrade:
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
        return clipped(portrait.image * soft + backdrop * (1 - soft))

    return degrade


def eyes_enlarged(factor: float) -> Degrade:
    """Both eyes made larger by `factor`, as beauty filters do."""

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
