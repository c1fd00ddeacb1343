"""Colours as a file means them, made sRGB: by its ICC profile, or by the numbers (CICP) that HEIC carries instead."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

Linear = npt.NDArray[np.float32]
"""Light, (H, W, 3); 1.0 is a white sheet of paper in it."""

_SRGB = ImageCms.createProfile("sRGB")
_PQ, _HLG = 16, 18
"""Transfer characteristics of high dynamic range in ITU-T H.273."""
_BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
_DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_WIDE = {9: _BT2020, 12: _DISPLAY_P3}
"""Colour primaries wider than sRGB's, by their number in ITU-T H.273. Those of television hardly differ."""
_D65 = (0.3127, 0.3290)
_WHITE_CD_M2 = 203.0
"""A white sheet of paper in a picture of high dynamic range (ITU-R BT.2408)."""
_HLG_PEAK_CD_M2, _HLG_GAMMA = 1000.0, 1.2
_KNEE = 0.8
"""Light below this share of white is shown as it is, all above is brought into what is left: skin lies below."""
_ROWS_AT_ONCE = 128


def to_srgb(picture: Image.Image, info: Mapping[str, Any]) -> Image.Image:
    """Return `picture` as sRGB, mode RGB; `info` is its file's metadata. A broken profile is ignored."""
    profile = info.get("icc_profile")
    if profile and picture.mode in {"RGB", "CMYK", "L"}:
        converted = _convert_by_profile(picture, profile)
        if converted is not None:
            return converted
    picture = picture if picture.mode == "RGB" else picture.convert("RGB")
    numbers = info.get("nclx_profile") or {}
    transfer, primaries = int(numbers.get("transfer_characteristics", 2)), int(numbers.get("color_primaries", 2))
    if profile or (transfer not in {_PQ, _HLG} and primaries not in _WIDE):
        return picture
    matrix = _to_bt709(_WIDE.get(primaries, _BT709))
    pixels = np.asarray(picture)
    # Light takes many times the memory of pixels.
    parts = np.array_split(pixels, max(1, len(pixels) // _ROWS_AT_ONCE))
    return Image.fromarray(np.concatenate([_convert_by_numbers(part, transfer, matrix) for part in parts]))


def _convert_by_numbers(
    pixels: npt.NDArray[np.uint8], transfer: int, matrix: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    light = _decode_light(pixels, transfer) @ matrix.T
    return _encode(_map_tones(light) if transfer in {_PQ, _HLG} else light)


def _convert_by_profile(picture: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
    except Exception:  # noqa: BLE001 - it raises whatever it likes, and a broken profile is no reason to refuse a photo
        return None


def _decode_light(encoded: npt.NDArray[np.uint8], transfer: int) -> Linear:
    """Return the light that the 256 values stand for."""
    values = np.arange(256, dtype=np.float64) / 255
    if transfer == _PQ:
        return np.asarray(_pq(values), np.float32)[encoded]
    if transfer != _HLG:
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return np.asarray(linear, np.float32)[encoded]
    scene = np.asarray(_hlg(values), np.float32)[encoded]
    luminance = scene @ np.asarray((0.2627, 0.6780, 0.0593), np.float32)
    shown = scene * np.power(np.maximum(luminance, 1e-6), _HLG_GAMMA - 1)[..., None]
    return np.asarray(shown * (_HLG_PEAK_CD_M2 / _WHITE_CD_M2), np.float32)


def _pq(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SMPTE ST 2084."""
    power = values ** (32 / 2523)
    light = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(light ** (8192 / 1305) * 10_000 / _WHITE_CD_M2)


def _hlg(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """ARIB STD-B67, the scene's light from 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)


def _to_bt709(primaries: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float32]:
    return np.asarray(np.linalg.inv(_to_xyz(_BT709)) @ _to_xyz(primaries), np.float32)


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    x, y = _D65
    return np.asarray(columns * np.linalg.solve(columns, np.array((x / y, 1.0, (1 - x - y) / y))))


def _map_tones(light: Linear) -> Linear:
    """Bring what is brighter than white into the range, each colour keeping its hue."""
    strongest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
    room = 1 - _KNEE
    above = _KNEE + room * (1 - np.exp((_KNEE - strongest) / room))
    return np.asarray(light * np.where(strongest <= _KNEE, 1.0, above / strongest), np.float32)


def _encode(light: Linear) -> npt.NDArray[np.uint8]:
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded * 255), np.uint8)
