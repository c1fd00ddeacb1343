"""Pictures of a campus made safe to be kept and shown: PNG and JPEG decoded and written anew, SVG by what it may hold.

What leaves here holds no script, no address of another place, no metadata. Limits are checked before anything is
decoded.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from operations import plan_svg
from web.problems import ProblemError

MAX_BYTES = 5 * 1024 * 1024
_MOST_PIXELS = 40_000_000
_LONGEST_SIDE = 4096
"""Pixels across the largest wall; a larger picture is reduced to it."""
_LEAST_SIDE = 200
_JPEG_QUALITY = 88


class PlanPictureUnreadableError(ProblemError):
    """The file is no picture that is taken; the detail says why."""

    code = "plan_picture_unreadable"
    status = 422
    title = "This is no PNG, JPEG or SVG picture that can be read"


class PlanPictureScriptError(ProblemError):
    """The drawing holds a script."""

    code = "plan_picture_script"
    status = 422
    title = "This drawing holds a script; export it without, or as PNG"


class PlanPictureTooLargeError(ProblemError):
    """The file is larger than is taken, or the picture has more pixels."""

    code = "plan_picture_too_large"
    status = 422
    title = "The picture is too large: at most 5 MB and 40 million pixels"


class PlanPictureTooSmallError(ProblemError):
    """Nothing could be placed on so small a picture."""

    code = "plan_picture_too_small"
    status = 422
    title = "The picture is too small: at least 200 pixels wide and high"


@dataclass(frozen=True, slots=True)
class PlanPicture:
    """A picture that was made safe."""

    media_type: str
    content: bytes
    width: int
    height: int


def make_safe(content: bytes) -> PlanPicture:
    """Return a safe copy of an uploaded picture.

    Raises:
        PlanPictureUnreadableError, PlanPictureScriptError, PlanPictureTooLargeError, PlanPictureTooSmallError: see
            there.
    """
    if len(content) > MAX_BYTES:
        raise PlanPictureTooLargeError
    if content.startswith((b"\x89PNG", b"\xff\xd8")):
        return _make_raster_safe(content)
    try:
        made = plan_svg.make_safe(content)
    except plan_svg.ScriptedSvgError as error:
        raise PlanPictureScriptError from error
    except plan_svg.UnusableSvgError as error:
        raise PlanPictureUnreadableError(str(error)) from error
    return PlanPicture("image/svg+xml", made.content, made.width, made.height)


def _make_raster_safe(content: bytes) -> PlanPicture:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise PlanPictureTooLargeError
            if min(opened.size) < _LEAST_SIDE:
                raise PlanPictureTooSmallError
            kind = opened.format
            picture = ImageOps.exif_transpose(opened).convert("RGBA" if kind == "PNG" else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PlanPictureUnreadableError("the file is damaged") from error
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    # A new picture: what stood beside the pixels of the old one is left behind.
    fresh = Image.new(picture.mode, picture.size)
    fresh.paste(picture)
    written = io.BytesIO()
    if kind == "PNG":
        fresh.save(written, "PNG")
    else:
        fresh.save(written, "JPEG", quality=_JPEG_QUALITY)
    return PlanPicture(f"image/{str(kind).lower()}", written.getvalue(), fresh.width, fresh.height)
