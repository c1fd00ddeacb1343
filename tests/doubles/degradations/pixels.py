"""Faults of colour, light, sharpness and detail: each pixel stays where it is."""

import io

import cv2
import numpy as np
from PIL import Image as Pillow

from tests.doubles.degradations.portrait import OVAL, Degrade, Image, Portrait, clipped


def grey(portrait: Portrait, _: Portrait) -> Image:
    """Without colour."""
    grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[..., None], 3, axis=2)


def sepia(portrait: Portrait, _: Portrait) -> Image:
    """Brown, as an old photograph."""
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return clipped(portrait.image @ matrix.T)


def toned(portrait: Portrait, other: Portrait) -> Image:
    """Grey with a cast of blue."""
    return clipped(grey(portrait, other) * np.array([0.75, 0.9, 1.1]))


def tinted(portrait: Portrait, _: Portrait) -> Image:
    """Under blue light."""
    return clipped(0.45 * portrait.image + 0.55 * np.array([40, 90, 220]))


def blur(sigma: float) -> Degrade:
    """Out of focus; `sigma` in distances of the eyes."""
    return lambda portrait, _: np.asarray(cv2.GaussianBlur(portrait.image, (0, 0), sigma * portrait.apart), np.uint8)


def motion(length: float, angle: float) -> Degrade:
    """Shaken along `angle` degrees; `length` in distances of the eyes."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        size = max(3, round(length * portrait.apart)) | 1
        level = np.zeros((size, size), np.float32)
        level[size // 2] = 1
        turn = cv2.getRotationMatrix2D((size // 2, size // 2), angle, 1)
        kernel = np.asarray(cv2.warpAffine(level, turn, (size, size)), np.float32)
        return np.asarray(cv2.filter2D(portrait.image, -1, kernel / kernel.sum()), np.uint8)

    return degrade


def noise(sigma: float) -> Degrade:
    """Grain; `sigma` in steps of 0–255."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        return clipped(portrait.image + np.random.default_rng(3).normal(0, sigma, portrait.image.shape))

    return degrade


def unchanged(portrait: Portrait, _: Portrait) -> Image:
    """The photograph as it is."""
    return portrait.image


def recompressed(quality: int) -> Degrade:
    """Saved badly, then saved well again: the file no longer says so."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        stream = io.BytesIO()
        Pillow.fromarray(portrait.image).save(stream, "JPEG", quality=quality)
        return np.asarray(Pillow.open(stream).convert("RGB"), np.uint8)

    return degrade


def light(factor: float) -> Degrade:
    """More or less light, in linear light, as an exposure does."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        linear = (portrait.image / 255.0) ** 2.2
        return clipped(255 * np.clip(linear * factor, 0, 1) ** (1 / 2.2))

    return degrade


def side_light(dark: float) -> Degrade:
    """Light from one side: across the face it falls to `dark`, in linear light."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        right, left = portrait.eyes
        across = (np.arange(portrait.image.shape[1]) - (right[0] + left[0]) / 2) / portrait.apart
        gain = dark + (1.15 - dark) / (1 + np.exp(-6 * across))
        linear = (portrait.image / 255.0) ** 2.2 * gain[None, :, None]
        return clipped(255 * np.clip(linear, 0, 1) ** (1 / 2.2))

    return degrade


def smoothed(strength: float) -> Degrade:
    """A beauty filter on the skin: edges stay, texture goes."""

    def degrade(portrait: Portrait, _: Portrait) -> Image:
        size = max(5, round(portrait.apart / 12)) | 1
        smooth = portrait.image
        for _round in range(2):
            smooth = np.asarray(cv2.bilateralFilter(smooth, size, 40, size / 2), np.uint8)
        skin = np.zeros(portrait.image.shape[:2], np.float32)
        cv2.fillPoly(skin, [np.round(portrait.mesh[list(OVAL), :2]).astype(np.int32)], 1.0)
        weight = strength * cv2.GaussianBlur(skin, (0, 0), portrait.apart / 12)[..., None]
        return clipped(portrait.image * (1 - weight) + smooth * weight)

    return degrade
