"""How much memory opening a photo takes: known from its header, bounded, and measured in a process of its own."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from enrollment.photo import MAX_DECODED_BYTES, Unreadable, UnreadablePhotoError, decode
from tests.enrollment.picture_bytes import png, saved

ROOT = Path(__file__).parents[2]
MOST_BYTES = 300_000_000
BESIDE_BYTES = 75_000_000
"""The reduced picture in strips and as a whole, and the codec's own code and tables."""


def _measured(sizes: str) -> dict[str, dict[str, int]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.enrollment.photo_memory", sizes],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    measured: dict[str, dict[str, int]] = json.loads(done.stdout)
    return measured


def test_the_header_tells_what_decoding_takes() -> None:
    measured = _measured("phone")
    assert len(measured) >= 15
    assert {name: one for name, one in measured.items() if one["grew"] > one["told"] + BESIDE_BYTES} == {}


def test_no_photo_that_is_taken_needs_more_than_300_megabytes() -> None:
    measured = _measured("largest")
    assert "PNG 0/16" in measured
    assert {name: one for name, one in measured.items() if one["grew"] > MOST_BYTES} == {}


def _with(content: bytes, at: int, sides: bytes) -> bytes:
    return content[:at] + sides + content[at + len(sides) :]


def _progressive() -> bytes:
    content = saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True, subsampling=0)
    return _with(content, content.index(b"\xff\xc2") + 5, struct.pack(">HH", 8000, 8000))


def _webp() -> bytes:
    content = saved(Image.new("RGB", (64, 64)), "WEBP")
    return _with(content, content.index(b"VP8 ") + 14, struct.pack("<HH", 8000, 8000))


def _heic() -> bytes:
    content = saved(Image.new("RGB", (64, 64)), "HEIF")
    return _with(content, content.index(b"ispe") + 8, struct.pack(">II", 8000, 8000))


@pytest.mark.parametrize("content", [_progressive(), _webp(), _heic()], ids=["progressive JPEG", "WebP", "HEIC"])
def test_what_takes_too_much_is_refused_by_its_header(content: bytes) -> None:
    # There are no such pixels in the file: decoding it would fail as damaged, so the header alone refused it.
    with pytest.raises(UnreadablePhotoError, match=f"{MAX_DECODED_BYTES // 1_000_000} are allowed: ") as caught:
        decode(content)
    assert caught.value.reason is Unreadable.TOO_MANY_PIXELS


def test_a_colour_png_of_a_50_megapixel_phone_is_taken() -> None:
    assert decode(png(8192, 6144, 8, 2)).image.shape == (1200, 1600, 3)


def test_an_interlaced_png_reads_like_another() -> None:
    assert (decode(png(50, 70, 8, 2, interlaced=True)).image == decode(png(50, 70, 8, 2)).image).all()
