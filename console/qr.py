"""Codes to be scanned, drawn as SVG that stands in a page."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import segno
from markupsafe import Markup

_QUIET_MODULES = 4


def draw(content: str) -> Markup:
    """Return a QR code, black on white in dark pages too: scanners need it so."""
    code = segno.make(content, error="m", micro=False)
    drawn = code.svg_inline(
        border=_QUIET_MODULES, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - made by us of squares, the content is not in it


def draw_path(digits: str) -> str:
    """Return a code of 18 digits as the path of an SVG, in a field of `FIELD` squares: a stroke for each dark run."""
    code = segno.make(digits, version=1, error="q", micro=False)
    return "".join(
        f"M{start + _QUIET_MODULES} {y + _QUIET_MODULES}.5h{length}"
        for y, row in enumerate(code.matrix)
        for start, length in _dark_runs(row)
    )


def _dark_runs(row: Iterable[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for is_dark, squares in groupby(row, key=bool):
        length = len(list(squares))
        if is_dark:
            yield start, length
        start += length


FIELD = 21 + 2 * _QUIET_MODULES
"""Squares on a side of `draw_path`, with the quiet zone that a scanner needs."""
