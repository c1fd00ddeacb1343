"""A kept picture of a person, reduced to the size in which a page draws it.

It is made for each answer and kept nowhere: reducing takes some 15 ms, and a second copy of a face would have to be
sealed, retained and erased with the first.
"""

import io
from enum import IntEnum

from PIL import Image

QUALITY = 82
"""JPEG setting: below it, the blocks of a reduced portrait begin to look like the photo's own faults."""


class PreviewSide(IntEnum):
    """The longer side of a preview in pixels: beside another picture, on a phone, on a desk.

    Halves of what a decoder can skip: Pillow decodes a JPEG at 1/2, 1/4 or 1/8, and so never all of it for the smaller.
    """

    SMALL = 240
    MEDIUM = 480
    LARGE = 960


def make_preview(picture: bytes, side: PreviewSide | None) -> bytes:
    """Return a JPEG with at most `side` pixels on its longer side; as it is where it is no larger, or for no side.

    Raises:
        PIL.UnidentifiedImageError: `picture` is no picture.
    """
    if side is None:
        return picture
    with Image.open(io.BytesIO(picture)) as opened:
        if max(opened.size) <= side:
            return picture
        opened.draft(None, (side, side))
        opened.thumbnail((side, side), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        opened.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
