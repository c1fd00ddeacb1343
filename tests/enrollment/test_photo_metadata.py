"""Metadata of any kind: how a picture is stored is read from it, and nothing in it makes a good photo unreadable."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from enrollment.photo import Photo, decode
from tests.enrollment.picture_bytes import (
    ASCII,
    GPS,
    LONG,
    ORIENTATION,
    RATIONAL,
    SHORT,
    exif_block,
    gradient,
    saved,
    with_property,
    with_segment,
)

UPRIGHT = gradient()
TURNED = Image.fromarray(np.ascontiguousarray(np.rot90(UPRIGHT)))
"""As a phone that is held upright stores it: orientation 6."""
TURN = (ORIENTATION, SHORT, 1, struct.pack("<H", 6))


def _is_upright(photo: Photo) -> bool:
    difference = np.abs(photo.image.astype(int) - UPRIGHT.astype(int)) if photo.image.shape == UPRIGHT.shape else None
    return difference is not None and float(difference.mean()) <= 6


def _jpeg_with(block: bytes) -> bytes:
    return with_segment(saved(TURNED, "JPEG", quality=95), 0xE1, block)


@pytest.mark.parametrize(
    "block",
    [
        exif_block(TURN, (0x0007, ASCII, 9, struct.pack("<I", 38)), behind=b"10:20:30\0"),
        exif_block(
            TURN, (GPS, LONG, 1, struct.pack("<I", 38)), behind=struct.pack("<HHHI", 1, 7, ASCII, 9) + b"x" * 20
        ),
        exif_block(TURN, (GPS, LONG, 1, struct.pack("<I", 1 << 31))),
        exif_block(TURN, (0x011A, ASCII, 3, b"72\0"), (0x0131, RATIONAL, 1, struct.pack("<I", 60_000))),
        exif_block(TURN, (0x0132, 99, 1, b"")),
        exif_block((ORIENTATION, LONG, 1, struct.pack("<I", 6))),
        exif_block((ORIENTATION, ASCII, 2, b"6\0")),
        exif_block(TURN)[:-4],
        exif_block(TURN)[:-4] + struct.pack("<I", 9_999) + b"\xff\xd8\xff\xdb cut off",
    ],
    ids=[
        "time as text",
        "GPS time as text",
        "GPS nowhere",
        "resolution as text",
        "unknown type",
        "orientation long",
        "orientation as text",
        "cut off",
        "thumbnail nowhere",
    ],
)
def test_the_orientation_counts_whatever_else_the_metadata_holds(block: bytes) -> None:
    assert _is_upright(decode(_jpeg_with(block)))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_gps_time_of_another_type_takes_no_photo_of_any_format_away(kind: str) -> None:
    block = exif_block(
        TURN, (GPS, LONG, 1, struct.pack("<I", 38)), behind=struct.pack("<HHHI", 1, 7, ASCII, 9) + b"x" * 20
    )
    assert _is_upright(decode(saved(TURNED, kind, quality=95, exif=block)))


@pytest.mark.parametrize("value", [0, 9, 40_000])
def test_an_orientation_that_is_none_leaves_the_picture(value: int) -> None:
    block = exif_block((ORIENTATION, SHORT, 1, struct.pack("<H", value)))
    assert decode(_jpeg_with(block)).image.shape == (180, 240, 3)


@pytest.mark.parametrize("packet", ["<rdf tiff:Orientation='6'/>", "<tiff:Orientation>6</tiff:Orientation>"])
def test_an_orientation_in_xmp_alone_counts(packet: str) -> None:
    assert _is_upright(decode(saved(TURNED, "JPEG", quality=95, xmp=packet.encode())))


def test_exif_counts_before_xmp() -> None:
    photo = decode(saved(TURNED, "JPEG", quality=95, exif=exif_block(TURN), xmp=b"<rdf tiff:Orientation='1'/>"))
    assert _is_upright(photo)


def test_heic_is_turned_once_though_its_exif_says_so_too() -> None:
    # A quarter against the clock, counted as the standard does: the picture lies on its right side.
    heic = saved(TURNED, "HEIF", quality=95)
    turned = with_property(heic, struct.pack(">I4sB", 9, b"irot", 3))
    photo = decode(turned)
    assert _is_upright(photo)
    assert (photo.file.width, photo.file.height) == (180, 240)


def test_a_mirrored_heic_is_shown_as_its_camera_meant_it() -> None:
    mirrored = saved(Image.fromarray(np.ascontiguousarray(UPRIGHT[:, ::-1])), "HEIF", quality=95)
    assert _is_upright(decode(with_property(mirrored, struct.pack(">I4sB", 9, b"imir", 1))))


@pytest.mark.parametrize(
    "segment",
    [
        (0xE2, b"ICC_PROFILE\0"),
        (0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04"),
        (0xE1, b"Exif\0\0"),
        (0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff\0\0"),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff\xfe broken"),
        (0xE2, b"MPF\0MM\0*\0\0\0\x08\xff\xff" + b"\0" * 40),
        (0xE2, b"MPF\0"),
        (0xE0, b"JFIF"),
        (0xE0, b"JFIF\0" + b"\xff" * 9),
        (0xEE, b"Adobe"),
    ],
    ids=["ICC", "Photoshop", "no EXIF", "EXIF nowhere", "XMP", "MPF", "MPF cut off", "JFIF", "JFIF odd", "Adobe"],
)
def test_a_broken_segment_takes_no_photo_away(segment: tuple[int, bytes]) -> None:
    jpeg = with_segment(saved(TURNED, "JPEG", quality=95, exif=exif_block(TURN)), *segment)
    assert decode(jpeg).image.shape[:2] in {(240, 180), (180, 240)}


def _two_views(exif: bytes) -> bytes:
    return saved(TURNED, "MPO", quality=95, save_all=True, append_images=[TURNED], exif=exif)


@pytest.mark.parametrize("spoil", [lambda content: content, lambda content: content.replace(b"MPF\0MM", b"MPF\0XX")])
def test_of_several_pictures_in_a_jpeg_the_first_counts(spoil: Callable[[bytes], bytes]) -> None:
    photo = decode(spoil(_two_views(exif_block(TURN))))
    assert _is_upright(photo)
    assert photo.file.format == "JPEG"


def test_metadata_of_any_bytes_takes_no_photo_away() -> None:
    rng = np.random.default_rng(7)
    whole = saved(TURNED, "JPEG", exif=exif_block(TURN), xmp=b"<x/>", comment=b"hello", icc_profile=b"x" * 200)
    start, end = whole.index(b"Exif\0\0"), whole.index(b"\xff\xdb")
    lengths = {start - 2, start - 1}
    for _ in range(300):
        broken = bytearray(whole)
        for at in rng.integers(start, end, 6):
            if at not in lengths and broken[at - 1] != 0xFF and broken[at] != 0xFF:
                broken[at] = rng.integers(0, 255)
        if _segments_are_whole(whole, bytes(broken)):
            decode(bytes(broken))


def _segments_are_whole(before: bytes, after: bytes) -> bool:
    """Whether markers and lengths stand where they stood: what is tested is what is between them."""
    at = 2
    while before[at + 1] != 0xDB:
        if before[at : at + 4] != after[at : at + 4]:
            return False
        at += 2 + struct.unpack_from(">H", before, at + 2)[0]
    return True
