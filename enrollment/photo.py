"""A photo as it was handed in: opened within limits, turned upright, made sRGB, freed of its metadata.

Limits are checked on the file's size and on the dimensions in its header, before a single pixel is decoded.
"""

import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from enrollment.editor_traces import editor_trace
from enrollment.jpeg_quality import estimated_quality
from models.pixels import shrunk

MAX_BYTES = 20 * 1024 * 1024
"""Largest file taken: twice what a phone's best JPEG needs."""
MAX_PIXELS = 64_000_000
"""Largest image decoded: above a 50-megapixel phone, and 192 MB when opened."""
MAX_SIDE = 16_000
"""Longest side decoded; a strip of 1 × 64,000,000 pixels is no photo."""
MIN_SIDE = 32
"""Shortest side that can hold a face at all."""
WORKING_SIDE = 1_600
"""Longest side of the image that rules and models see. Larger photos are reduced: no rule needs more."""
THUMBNAIL_SIDE = 240
"""Longest side of the small picture that is kept for comparison: enough to tell two people apart, no more."""

_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
_SRGB = ImageCms.createProfile("sRGB")

pillow_heif.register_heif_opener()


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
    size = _size_of(source)
    if size == 0:
        raise UnreadablePhotoError(Unreadable.EMPTY, "the file is empty: choose the photo again")
    if size > MAX_BYTES:
        raise UnreadablePhotoError(
            Unreadable.TOO_LARGE,
            f"the file has {size / 1_048_576:.0f} MB, {MAX_BYTES // 1_048_576} are allowed: send a smaller copy",
        )
    stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        return _decode(stream, size)


def encode_jpeg(image: npt.NDArray[np.uint8], *, quality: int = 92) -> bytes:
    """Return `image` as a JPEG without any metadata."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def thumbnail(image: npt.NDArray[np.uint8], side: int = THUMBNAIL_SIDE) -> npt.NDArray[np.uint8]:
    """Return `image` with `side` pixels on its longer side; a smaller one is returned as it is."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    return shrunk(image, max(1, round(width * scale)), max(1, round(height * scale)))


def _size_of(source: bytes | Path) -> int:
    if isinstance(source, bytes):
        return len(source)
    try:
        if source.is_dir():
            raise UnreadablePhotoError(Unreadable.MISSING, f"{source} is a folder: name the photos in it")
        if not source.is_file():
            raise UnreadablePhotoError(Unreadable.MISSING, f"there is no file {source}: check the path")
        return source.stat().st_size
    except OSError as error:
        message = f"{source} cannot be opened ({error.strerror}): check the path and its permissions"
        raise UnreadablePhotoError(Unreadable.MISSING, message) from error


def _decode(stream: BinaryIO, size: int) -> Photo:
    try:
        picture = Image.open(stream, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels("far too many") from error
    except UnidentifiedImageError as error:
        raise UnreadablePhotoError(
            Unreadable.NOT_AN_IMAGE, "this is no JPEG, PNG, WebP or HEIC image: choose a photo"
        ) from error
    except Exception as error:  # Decoders raise whatever they like on bad bytes.
        raise _damaged() from error
    with picture:
        width, height = picture.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise _too_many_pixels(f"{width}×{height}")
        if min(width, height) < MIN_SIDE:
            raise UnreadablePhotoError(
                Unreadable.TOO_SMALL, f"the image has {width}×{height} pixels: choose a larger photo"
            )
        try:
            return _open(picture, size)
        except Exception as error:
            raise _damaged() from error


def _open(picture: ImageFile.ImageFile, size: int) -> Photo:
    editor = editor_trace(picture)
    file_format = "JPEG" if picture.format == "MPO" else str(picture.format)
    jpeg_quality = estimated_quality(getattr(picture, "quantization", None))
    profile = picture.info.get("icc_profile")
    original = picture.size
    if file_format == "JPEG":
        # The decoder halves for free, down to the smallest size that is still large enough.
        scale = WORKING_SIDE / max(original)
        if scale < 1:
            picture.draft(None, (round(original[0] * scale), round(original[1] * scale)))
    picture.load()
    width, height = picture.size
    ImageOps.exif_transpose(picture, in_place=True)
    if (picture.width > picture.height) != (width > height):
        original = original[::-1]
    reduced = _reduce(_eight_bits(picture))
    image = np.ascontiguousarray(np.asarray(_to_srgb(_opaque(reduced), profile), dtype=np.uint8))
    return Photo(image, PhotoFile(file_format, size, original[0], original[1], jpeg_quality, editor))


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Bring greyscale of 16 or 32 bits to 8; `Image.convert` would clip it to white."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, dtype=np.float64)
        return Image.fromarray(np.clip(values / 257.0, 0, 255).round().astype(np.uint8))
    return picture


def _reduce(picture: Image.Image) -> Image.Image:
    scale = WORKING_SIDE / max(picture.size)
    if scale >= 1:
        return picture
    if picture.mode in {"P", "1"}:
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if picture.mode in {"RGB", "L"}:
        # Averaging over areas, as Pillow's BOX does, in a third of the time.
        return Image.fromarray(cv2.resize(np.asarray(picture), size, interpolation=cv2.INTER_AREA))
    return picture.resize(size, Image.Resampling.BOX)


def _opaque(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white."""
    if not picture.has_transparency_data:
        return picture
    layer = picture.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and picture.mode in {"RGB", "CMYK", "L"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                converted = ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # A broken profile is no reason to refuse a photo.
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _too_many_pixels(found: str) -> UnreadablePhotoError:
    return UnreadablePhotoError(
        Unreadable.TOO_MANY_PIXELS,
        f"the image has {found} pixels, {MAX_PIXELS // 1_000_000} million are allowed: send a smaller copy",
    )


def _damaged() -> UnreadablePhotoError:
    return UnreadablePhotoError(Unreadable.DAMAGED, "the image is damaged or cut off: choose the photo again")
