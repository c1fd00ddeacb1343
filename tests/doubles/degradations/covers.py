"""Things before the face: masks, glasses, hands, hair."""

import cv2
import numpy as np

from tests.doubles.degradations.portrait import LOWER_OVAL, Degrade, Image, Portrait, clipped, pixel


def mask(colour: tuple[int, int, int]) -> Degrade:
    """A mask drawn over nose, mouth and chin, with folds and loops."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        points = portrait.mesh[:, :2]
        bridge = points[197]
        outline = np.array([bridge, *points[list(LOWER_OVAL[1:-1])]])
        chin = points[152]
        outline[8:13] += (chin - bridge) * 0.05
        drawn = portrait.image.copy()
        cv2.fillPoly(drawn, [np.round(outline).astype(np.int32)], colour)
        thickness = max(1, round(portrait.apart / 50))
        shade = tuple(int(value * 0.85) for value in colour)
        for share in (0.3, 0.5, 0.7):
            start = points[93] * (1 - share) + points[172] * share
            end = points[323] * (1 - share) + points[397] * share
            cv2.line(drawn, pixel(start), pixel(end), shade, thickness)
        cv2.line(drawn, pixel(points[93]), pixel(points[127]), colour, thickness)
        cv2.line(drawn, pixel(points[323]), pixel(points[356]), colour, thickness)
        return np.asarray(cv2.GaussianBlur(drawn, (3, 3), 0), np.uint8)

    return degrade


def sunglasses(shade: int, opacity: float) -> Degrade:
    """Dark glasses; `shade` of grey 0–255, `opacity` 0…1."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        drawn = portrait.image.copy()
        right, left = portrait.eyes
        angle = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
        axes = (round(0.40 * portrait.apart), round(0.30 * portrait.apart))
        for eye in (right, left):
            cv2.ellipse(drawn, pixel(eye), axes, angle, 0, 360, (shade, shade, shade + 5), -1, cv2.LINE_AA)
        cv2.line(drawn, pixel(right), pixel(left), (shade, shade, shade), max(2, round(portrait.apart / 20)))
        return clipped(portrait.image * (1 - opacity) + drawn * opacity)

    return degrade


def hand(part: str) -> Degrade:
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
            cv2.ellipse(layer, pixel(middle), (round(0.14 * apart), round(0.75 * apart)), 8, 0, 360, 1.0, -1)
            across = (np.arange(width) - middle[0]) / (0.14 * apart)
            rounding = np.clip(1.05 - 0.28 * across**2, 0.55, 1.05)[None, :, None]
            weight = cv2.GaussianBlur(layer, (0, 0), 1.0)[..., None]
            drawn = drawn * (1 - weight) + (skin * 0.97 * rounding) * weight
        return clipped(drawn)

    return degrade


def hair(portrait: Portrait, _: Portrait) -> Image:
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
        cv2.line(drawn, pixel(start), pixel(end), brown, max(1, round(apart / 40)), cv2.LINE_AA)
    return drawn
