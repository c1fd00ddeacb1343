"""The quality setting a JPEG was saved with, estimated from its luminance quantisation table."""

from collections.abc import Mapping, Sequence

# Table K.1 of ITU-T T.81, ordered row by row: encoders scale it by their quality setting.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


def _sum_table(quality: int) -> int:
    """Sum of the table that the Independent JPEG Group's encoder writes for `quality`."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(255, max(1, (entry * percent + 50) // 100)) for entry in _LUMINANCE)


_SUMS = [_sum_table(quality) for quality in range(1, 101)]


def estimate_quality(tables: Mapping[int, Sequence[int]] | None) -> int | None:
    """Return the quality, 1…100, on the scale of the Independent JPEG Group; None without a luminance table.

    Sums are compared, so the order of the table's entries does not matter, and other encoders' tables get the quality
    that throws away as much.
    """
    table = tables.get(0) if tables else None
    if not table or len(table) != len(_LUMINANCE):
        return None
    found = sum(table)
    return 1 + min(range(100), key=lambda index: abs(_SUMS[index] - found))
