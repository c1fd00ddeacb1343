"""Codes to be scanned, drawn as SVG that stands in a page."""

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
