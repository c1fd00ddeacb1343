"""A photo as it was handed in: opened within limits, turned upright, made sRGB, freed of its metadata.

Limits are checked on the file's size and on the dimensions in its header, before a single pixel is decoded.
"""

import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from enrollment import exif
from enrollment.editor_traces import find_editor
from enrollment.jpeg_quality import estimate_quality
from enrollment.picture_file import NotAPictureError, PictureFile, open_picture
from enrollment.srgb import to_srgb
from models.pixels import shrunk

MAX_BYTES = 20 * 1024 * 1024
"""Largest file taken: twice what a phone's best JPEG needs."""
MAX_PIXELS = 64_000_000
"""Largest image decoded: above a 50-megapixel phone."""
MAX_DECODED_BYTES = 250_000_000
"""Most memory that decoding may take: a 50-megapixel phone's HEIC or PNG."""
MAX_SIDE = 16_000
"""Longest side decoded; a strip of 1 × 64,000,000 pixels is no photo."""
MIN_SIDE = 32
"""Shortest side that can hold a face at all."""
WORKING_SIDE = 1_600
"""Longest side of the image that rules and models see. Larger photos are reduced: no rule needs more."""
THUMBNAIL_SIDE = 240
"""Longest side of the small picture that is kept for comparison: enough to tell two people apart, no more."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its orientation as EXIF counts it."""


class Unreadable(StrEnum):
    """Why a photo cannot be read; stable codes."""

    MISSING = "missing"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    NOT_AN_IMAGE = "not_an_image"
    DAMAGED = "damaged"


class UnreadablePhotoError(Exception):
    """The photo cannot be opened; the message says why and how to mend it."""

    def __init__(self, reason: Unreadable, message: str) -> None:
        """Keep the stable `reason` beside the message."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """What is worth knowing of the file, read before its metadata was dropped."""

    format: str
    size_bytes: int
    width: int
    height: int
    """Pixels of the upright image as handed in; `Photo.image` may be smaller."""
    jpeg_quality: int | None
    """Estimated quality setting of the JPEG encoder, 1…100; None for other formats."""
    editor: str | None
    """Name of the picture editor or beauty camera that left a trace in the metadata."""


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """An opened photo: `image` is RGB uint8 (H, W, 3), upright, sRGB, at most `WORKING_SIDE` on its longer side."""

    image: npt.NDArray[np.uint8]
    file: PhotoFile


def decode(source: bytes | Path) -> Photo:
    """Open a JPEG, PNG, WebP or HEIC photo.

    Raises:
        UnreadablePhotoError: it is missing, empty, too large, no image, or damaged.
    """
    content = _read_content(source)
    try:
        picture = open_picture(content, WORKING_SIDE)
    except NotAPictureError as error:
        raise UnreadablePhotoError(
            Unreadable.NOT_AN_IMAGE, "this is no JPEG, PNG, WebP or HEIC image: choose a photo"
        ) from error
    except Exception as error:  # Decoders raise whatever they like on bad bytes.
        raise _damaged_error() from error
    _require_taken_size(picture)
    try:
        return _open(picture, len(content))
    except Exception as error:
        raise _damaged_error() from error


def encode_jpeg(image: npt.NDArray[np.uint8], *, quality: int = 92) -> bytes:
    """Return `image` as a JPEG without any metadata."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def encode_thumbnail(image: npt.NDArray[np.uint8]) -> bytes:
    """Return `image` small, as it is kept beside the picture: a JPEG without any metadata."""
    return encode_jpeg(make_thumbnail(image), quality=80)


def make_thumbnail(image: npt.NDArray[np.uint8], side: int = THUMBNAIL_SIDE) -> npt.NDArray[np.uint8]:
    """Return `image` with `side` pixels on its longer side; a smaller one is returned as it is."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    return shrunk(image, max(1, round(width * scale)), max(1, round(height * scale)))


def _read_content(source: bytes | Path) -> bytes:
    size = len(source) if isinstance(source, bytes) else _size_of(source)
    if size == 0:
        raise UnreadablePhotoError(Unreadable.EMPTY, "the file is empty: choose the photo again")
    if size > MAX_BYTES:
        raise UnreadablePhotoError(
            Unreadable.TOO_LARGE,
            f"the file has {size / 1_048_576:.0f} MB, {MAX_BYTES // 1_048_576} are allowed: send a smaller copy",
        )
    return source if isinstance(source, bytes) else source.read_bytes()


def _size_of(path: Path) -> int:
    try:
        if path.is_dir():
            raise UnreadablePhotoError(Unreadable.MISSING, f"{path} is a folder: name the photos in it")
        if not path.is_file():
            raise UnreadablePhotoError(Unreadable.MISSING, f"there is no file {path}: check the path")
        return path.stat().st_size
    except OSError as error:
        message = f"{path} cannot be opened ({error.strerror}): check the path and its permissions"
        raise UnreadablePhotoError(Unreadable.MISSING, message) from error


def _require_taken_size(picture: PictureFile) -> None:
    width, height = picture.size
    found = f"the image has {width}×{height} pixels"
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnreadablePhotoError(
            Unreadable.TOO_MANY_PIXELS,
            f"{found}, {MAX_PIXELS // 1_000_000} million are allowed: send a smaller copy",
        )
    if min(width, height) < MIN_SIDE:
        raise UnreadablePhotoError(Unreadable.TOO_SMALL, f"{found}: choose a larger photo")
    if (needed := picture.bytes_to_decode) > MAX_DECODED_BYTES:
        raise UnreadablePhotoError(
            Unreadable.TOO_MANY_PIXELS,
            f"{found} and would take {needed // 1_000_000} MB of memory, {MAX_DECODED_BYTES // 1_000_000} are allowed: "
            "send a smaller copy, or a plain JPEG",
        )


def _open(picture: PictureFile, size: int) -> Photo:
    width, height = picture.size
    picture.decode()
    turn = None if picture.is_turned_when_decoded else _TURNS.get(exif.read_orientation(picture.info))
    reduced = _reduce(_coarse(picture))
    if turn is not None:
        reduced = reduced.transpose(turn)
    if (reduced.width > reduced.height) != (width > height):
        width, height = height, width
    image = np.ascontiguousarray(np.asarray(to_srgb(_opaque(reduced), picture.info), dtype=np.uint8))
    quality = estimate_quality(picture.quantization)
    return Photo(image, PhotoFile(picture.format, size, width, height, quality, find_editor(picture.info)))


def _coarse(picture: PictureFile) -> Image.Image:
    """Return the decoded picture, reduced by a whole number to less than twice the working size."""
    factor = max(1, max(picture.size) // WORKING_SIDE)
    if factor == 1:
        return _plain(picture.whole())
    parts = [_plain(strip).reduce(factor) for strip in picture.strips(factor)]
    if len(parts) == 1:
        return parts[0]
    whole = Image.new(parts[0].mode, (parts[0].width, sum(part.height for part in parts)))
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def _plain(picture: Image.Image) -> Image.Image:
    """Return pixels whose values can be averaged: 8 bits, no palette, one colour that counts as clear made an alpha."""
    if picture.mode.startswith("I") or picture.mode == "F":
        # `Image.convert` would clip it to white.
        values = np.asarray(picture, dtype=np.float32)
        return Image.fromarray(np.clip(values / 257, 0, 255).round().astype(np.uint8))
    if picture.has_transparency_data and picture.mode != "RGBA":
        return picture.convert("RGBA")
    return picture if picture.mode in {"L", "RGB", "RGBA", "CMYK"} else picture.convert("RGB")


def _reduce(picture: Image.Image) -> Image.Image:
    scale = WORKING_SIDE / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if picture.mode in {"RGB", "L"}:
        # Between once and twice as large, two pixels that are interpolated weigh as averaging over areas would weigh
        # them, within a few grey levels, and cost a quarter of it.
        return Image.fromarray(cv2.resize(np.asarray(picture), size, interpolation=cv2.INTER_LINEAR))
    return picture.resize(size, Image.Resampling.BOX)


def _opaque(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white."""
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _damaged_error() -> UnreadablePhotoError:
    return UnreadablePhotoError(Unreadable.DAMAGED, "the image is damaged or cut off: choose the photo again")
