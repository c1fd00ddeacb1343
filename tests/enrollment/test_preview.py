"""What pages draw of a kept picture."""

import io

import numpy as np
import pytest
from PIL import Image

from enrollment.photo import encode_jpeg
from enrollment.preview import PreviewSide, make_preview


def a_picture(width: int, height: int) -> bytes:
    """Return a JPEG that is red on its left half and blue on its right."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 2] = 200
    return encode_jpeg(pixels)


@pytest.mark.parametrize("side", list(PreviewSide))
@pytest.mark.parametrize(("width", "height"), [(1200, 1600), (1600, 1200)])
def test_a_preview_shows_the_whole_picture_in_its_own_proportions(width: int, height: int, side: PreviewSide) -> None:
    shown = Image.open(io.BytesIO(make_preview(a_picture(width, height), side)))
    assert max(shown.size) == side
    assert shown.width / shown.height == pytest.approx(width / height, rel=0.01)
    middle = shown.height // 2
    left, right = (shown.getpixel((x, middle)) for x in (2, shown.width - 3))
    assert left[0] > 150 > left[2]
    assert right[2] > 150 > right[0]


def test_what_is_small_already_and_what_is_wanted_whole_is_given_as_it_is() -> None:
    small, large = a_picture(180, 240), a_picture(1200, 1600)
    assert make_preview(small, PreviewSide.SMALL) is small
    assert make_preview(large, None) is large


def test_a_grey_picture_stays_a_picture() -> None:
    stream = io.BytesIO()
    Image.new("L", (900, 1200), 90).save(stream, "JPEG")
    assert Image.open(io.BytesIO(make_preview(stream.getvalue(), PreviewSide.MEDIUM))).size == (360, 480)
