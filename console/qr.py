"""Codes to be scanned, drawn as SVG that stands in a page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import segno
from markupsafe import Markup

QUIET_MODULES = 4
"""The light frame that scanners need."""
_MASK = 2
"""Which of the eight patterns is laid over the squares. To find the best takes four times as long as to draw, and the
digits of a code are random already."""


def draw(content: str) -> Markup:
    """Return a QR code, black on white in dark pages too: scanners need it so."""
    code = segno.make(content, error="m", micro=False)
    drawn = code.svg_inline(
        border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - made by us of squares, the content is not in it


@dataclass(frozen=True, slots=True)
class Squares:
    """The squares of a QR code, row by row; true is dark."""

    rows: tuple[tuple[bool, ...], ...]

    @property
    def field(self) -> int:
        """Squares on a side, with the quiet zone."""
        return len(self.rows) + 2 * QUIET_MODULES

    @property
    def path(self) -> str:
        """The path of an SVG in a field of `field` squares: a stroke for each dark run."""
        return "".join(
            f"M{start + QUIET_MODULES} {y + QUIET_MODULES}.5h{length}"
            for y, row in enumerate(self.rows)
            for start, length in _dark_runs(row)
        )

    @property
    def bits(self) -> str:
        """All squares as bits in hexadecimal, a tenth of the path: what a script draws of many codes."""
        bits = "".join("01"[square] for row in self.rows for square in row)
        return "".join(f"{int(bits[start : start + 4].ljust(4, '0'), 2):x}" for start in range(0, len(bits), 4))


def draw_digits(digits: str) -> Squares:
    """Return digits as a QR code."""
    code = segno.make(digits, error="m", micro=False, mask=_MASK)
    return Squares(tuple(tuple(map(bool, row)) for row in code.matrix))


def _dark_runs(row: Iterable[bool]) -> Iterator[tuple[int, int]]:
    start = 0
    for is_dark, squares in groupby(row):
        length = len(list(squares))
        if is_dark:
            yield start, length
        start += length
