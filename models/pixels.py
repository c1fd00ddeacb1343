"""What every model here takes as an image: RGB, uint8, (H, W, 3)."""

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]


def check_image(image: Image) -> Image:
    """Return `image` itself, contiguous.

    Raises:
        ValueError: it is no RGB image of bytes with at least one pixel.
    """
    if not isinstance(image, np.ndarray):
        raise ValueError(f"an image is a NumPy array (height, width, 3), not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise ValueError(f"an image has dtype uint8 with values 0 to 255, not {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image has shape (height, width, 3) in RGB order, not {image.shape}")
    if 0 in image.shape:
        raise ValueError(f"an image has at least one pixel, not shape {image.shape}")
    return np.ascontiguousarray(image)


def halved(image: Image) -> Image:
    """Return `image` averaged two by two, many times faster than any other ratio; an odd row or column is dropped."""
    width, height = max(image.shape[1] // 2, 1), max(image.shape[0] // 2, 1)
    part = image[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def shrunk(image: Image, width: int, height: int) -> Image:
    """Return `image` at `width` × `height` pixels: halved as often as that goes, the rest interpolated."""
    while image.shape[1] >= 2 * width and image.shape[0] >= 2 * height:
        image = halved(image)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
