"""Opening photos: every kind of file a person may hand in, and every kind that must be refused."""

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from enrollment.photo import MAX_BYTES, WORKING_SIDE, Photo, Unreadable, UnreadablePhotoError, decode


def _gradient(height: int = 240, width: int = 180) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=2).astype(np.uint8)


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _png_header_only(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _reason(source: bytes | Path) -> Unreadable:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode(source)
    assert ": " in str(caught.value), "the message carries the mend after a colon"
    return caught.value.reason


def _near(photo: Photo, expected: np.ndarray, tolerance: float) -> bool:
    assert photo.image.dtype == np.uint8
    assert photo.image.shape == expected.shape
    return float(np.abs(photo.image.astype(int) - expected.astype(int)).mean()) <= tolerance


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("JPEG", 6), ("WEBP", 6), ("HEIF", 6)])
def test_each_accepted_format_gives_the_picture(kind: str, tolerance: float) -> None:
    picture = _gradient()
    photo = decode(_saved(Image.fromarray(picture), kind, quality=95))
    assert _near(photo, picture, tolerance)
    assert (photo.file.format, photo.file.width, photo.file.height) == (kind, 180, 240)


def test_a_path_reads_like_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(_saved(Image.fromarray(_gradient()), "JPEG"))
    assert np.array_equal(decode(path).image, decode(path.read_bytes()).image)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_refused(kind: str) -> None:
    assert _reason(_saved(Image.fromarray(_gradient()), kind)) is Unreadable.NOT_AN_IMAGE


def test_a_text_file_named_jpg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_text("I am a letter, not a photo.")
    assert _reason(path) is Unreadable.NOT_AN_IMAGE


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.touch()
    assert _reason(path) is Unreadable.EMPTY
    assert _reason(b"") is Unreadable.EMPTY


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert _reason(tmp_path / "nobody.jpg") is Unreadable.MISSING
    assert _reason(tmp_path) is Unreadable.MISSING


def test_a_truncated_jpeg_is_refused() -> None:
    whole = _saved(Image.fromarray(_gradient()), "JPEG")
    for share in (0.1, 0.5, 0.9):
        assert _reason(whole[: int(len(whole) * share)]) in {Unreadable.DAMAGED, Unreadable.NOT_AN_IMAGE}


def test_any_truncation_is_refused_or_read_but_never_crashes() -> None:
    for kind in ("PNG", "JPEG", "WEBP", "HEIF"):
        whole = _saved(Image.fromarray(_gradient(48, 40)), kind)
        for end in range(0, len(whole), max(1, len(whole) // 60)):
            with contextlib.suppress(UnreadablePhotoError):
                decode(whole[:end])


def test_a_file_above_the_size_limit_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert _reason(path) is Unreadable.TOO_LARGE


@pytest.mark.parametrize("size", [(30_000, 30_000), (9_000, 9_000), (60_000, 40)])
def test_a_huge_image_is_refused_by_its_header(size: tuple[int, int]) -> None:
    # The file holds no pixels at all: decoding it would fail as damaged, so the header alone refused it.
    assert _reason(_png_header_only(*size)) is Unreadable.TOO_MANY_PIXELS


def test_a_stamp_is_refused() -> None:
    assert _reason(_saved(Image.new("RGB", (16, 400)), "PNG")) is Unreadable.TOO_SMALL


def test_a_large_photo_is_reduced_and_remembers_its_size() -> None:
    photo = decode(_saved(Image.fromarray(_gradient(4000, 3000)), "JPEG"))
    assert photo.image.shape == (WORKING_SIDE, WORKING_SIDE * 3 // 4, 3)
    assert (photo.file.width, photo.file.height) == (3000, 4000)


def test_sixteen_bits_keep_their_shades() -> None:
    grey = _gradient()[..., 0]
    photo = decode(_saved(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"))
    assert _near(photo, np.repeat(grey[..., None], 3, axis=2), 1)


def test_greyscale_becomes_three_equal_channels() -> None:
    photo = decode(_saved(Image.fromarray(_gradient()[..., 0]), "JPEG"))
    assert (photo.image[..., 0] == photo.image[..., 2]).all()


def test_cmyk_becomes_rgb() -> None:
    picture = np.full((64, 64, 3), (200, 40, 60), np.uint8)
    assert _near(decode(_saved(Image.fromarray(picture).convert("CMYK"), "JPEG", quality=95)), picture, 4)


def test_transparency_is_laid_on_white() -> None:
    layer = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert (decode(_saved(layer, "PNG")).image == 255).all()
    assert (decode(_saved(layer, "WEBP", lossless=True)).image == 255).all()


def test_a_palette_with_transparency_is_laid_on_white() -> None:
    picture = Image.new("P", (64, 64), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    assert (decode(_saved(picture, "PNG", transparency=0)).image == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = _gradient()
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode(_saved(Image.fromarray(np.ascontiguousarray(turned)), "JPEG", quality=95, exif=exif))
    assert _near(photo, upright, 6)
    assert (photo.file.width, photo.file.height) == (180, 240)


def test_a_profile_is_converted_to_srgb() -> None:
    # sRGB with the primaries of red and blue exchanged, under another name: red pixels mean blue light.
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[:] = profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    picture = np.full((64, 64, 3), (250, 10, 10), np.uint8)
    exchanged = decode(_saved(Image.fromarray(picture), "PNG", icc_profile=bytes(profile)))
    assert _near(exchanged, picture[..., ::-1], 4)


def test_a_broken_profile_is_ignored() -> None:
    picture = Image.fromarray(_gradient())
    broken = _saved(picture, "JPEG", icc_profile=b"not a profile")
    assert np.array_equal(decode(broken).image, decode(_saved(picture, "JPEG")).image)


@pytest.mark.parametrize("software", ["Adobe Photoshop 24.0", "MeituPic 9", "美图秀秀", "Snapseed 2.0", "GIMP 2.10"])
def test_an_editor_named_in_exif_is_noticed(software: str) -> None:
    exif = Image.Exif()
    exif[0x0131] = software.encode() if not software.isascii() else software
    editor = decode(_saved(Image.fromarray(_gradient()), "JPEG", exif=exif)).file.editor
    assert editor is not None


def test_an_editor_named_in_xmp_is_noticed() -> None:
    packet = b'<x:xmpmeta x:xmptk="Adobe XMP Core"><rdf:Description xmp:CreatorTool="VSCO"/></x:xmpmeta>'
    assert decode(_saved(Image.fromarray(_gradient()), "JPEG", xmp=packet)).file.editor == "VSCO"


def test_a_phone_camera_leaves_no_editor_trace() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Apple", "iPhone 15", "17.4.1"
    packet = b'<x:xmpmeta x:xmptk="Adobe XMP Core"><rdf:Description xmp:CreatorTool="17.4.1"/></x:xmpmeta>'
    assert decode(_saved(Image.fromarray(_gradient()), "JPEG", exif=exif, xmp=packet)).file.editor is None


@pytest.mark.parametrize("quality", [10, 35, 60, 85, 95])
def test_the_jpeg_quality_is_estimated(quality: int) -> None:
    photo = decode(_saved(Image.fromarray(_gradient()), "JPEG", quality=quality))
    assert photo.file.jpeg_quality is not None
    assert abs(photo.file.jpeg_quality - quality) <= 2


def test_a_png_has_no_jpeg_quality() -> None:
    assert decode(_saved(Image.fromarray(_gradient()), "PNG")).file.jpeg_quality is None
