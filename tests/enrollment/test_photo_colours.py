"""Colours as files mean them: wide gamut, high dynamic range and print are shown as sRGB."""

import io
import tempfile

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from PIL import Image

from enrollment.photo import decode
from tests.enrollment.picture_bytes import ADOBE_COLORANTS, P3_COLORANTS, gradient, profile, saved

SKIN = (205, 160, 140)


def _plain(colour: tuple[int, int, int], kind: str = "PNG", **options: object) -> npt.NDArray[np.uint8]:
    return decode(saved(Image.new("RGB", (64, 64), colour), kind, **options)).image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF"])
@pytest.mark.parametrize("colorants", [P3_COLORANTS, ADOBE_COLORANTS], ids=["Display P3", "Adobe RGB"])
def test_wide_gamut_is_converted(kind: str, colorants: tuple[tuple[float, float, float], ...]) -> None:
    shown = _plain(SKIN, kind, quality=100, icc_profile=profile("Wide", colorants)).reshape(-1, 3).mean(axis=0)
    # Its red is stronger than sRGB's: the same numbers mean a redder skin.
    assert shown[0] > SKIN[0] + 2
    assert shown[0] - shown[1] > SKIN[0] - SKIN[1] + 2


def _heic(values: npt.NDArray[np.uint16], primaries: int, transfer: int) -> npt.NDArray[np.uint8]:
    """Return the picture of a 10-bit HEIC that holds `values` (0 to 65,535) under these numbers of ITU-T H.273."""
    made = pillow_heif.from_bytes("RGB;16", (values.shape[1], values.shape[0]), values.tobytes())
    with tempfile.TemporaryFile() as file:
        made.save(
            file,
            quality=-1,
            chroma=444,
            color_primaries=primaries,
            transfer_characteristics=transfer,
            matrix_coefficients=9 if primaries == 9 else 6,
            full_range_flag=1,
        )
        file.seek(0)
        return decode(file.read()).image


def _grey(share: float) -> npt.NDArray[np.uint16]:
    return np.full((64, 64, 3), round(share * 65_535), np.uint16)


PAPER = {16: 0.5807, 18: 0.75}
"""The signal of a white sheet of paper under PQ and HLG (ITU-R BT.2408)."""


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_high_dynamic_range_is_shown_as_it_was_lit(transfer: int) -> None:
    white = _heic(_grey(PAPER[transfer]), 9, transfer).mean()
    assert white > 225
    # Skin reflects about a third of what paper does. As if it were sRGB it would be 121 and 142.
    skin = {16: 0.4737, 18: 0.5576}[transfer]
    assert 145 <= _heic(_grey(skin), 9, transfer).mean() <= 168
    assert _heic(_grey(1.0), 9, transfer).mean() >= 250
    assert _heic(_grey(0.0), 9, transfer).mean() <= 1


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_high_dynamic_range_keeps_the_order_of_light(transfer: int) -> None:
    steps = np.repeat(np.linspace(0, 65_535, 64).astype(np.uint16)[None, :, None], 64, axis=0).repeat(3, axis=2)
    shown = _heic(np.ascontiguousarray(steps), 9, transfer).mean(axis=(0, 2))
    assert (np.diff(shown) >= -1).all()


def test_heic_without_a_profile_is_wide_where_its_numbers_say_so() -> None:
    colour = np.full((64, 64, 3), SKIN, np.uint16) * 257
    p3, srgb = (_heic(colour, primaries, 13).reshape(-1, 3).mean(axis=0) for primaries in (12, 1))
    assert np.abs(srgb - SKIN).max() <= 3
    assert p3[0] > SKIN[0] + 4
    assert p3[1] < SKIN[1]


def test_print_colours_as_adobe_stores_them() -> None:
    picture = gradient(64, 64)
    content = saved(Image.fromarray(picture).convert("CMYK"), "JPEG", quality=98)
    assert b"Adobe" in content
    shown = decode(content).image
    assert np.abs(shown.astype(int) - picture).mean() <= 6
    # A program that copies it with a profile that is none of print's takes nothing away.
    stream = io.BytesIO(content)
    with_profile = saved(Image.open(stream), "JPEG", quality=98, icc_profile=profile("Wide", P3_COLORANTS))
    assert np.abs(decode(with_profile).image.astype(int) - picture).mean() <= 6
