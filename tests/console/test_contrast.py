"""The colours of the pages can be read, in light and in dark: WCAG 2.2, 1.4.3 (4.5 : 1 for text)."""

import re
from pathlib import Path

import pytest

from console.rendering import FOLDER

CSS = (Path(FOLDER) / "static" / "console.css").read_text(encoding="utf-8")
COLOURS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\);", CSS)
}


MAY_BE_PALE = {
    "button:disabled",
    # What it shows may be wrong by now, and the page says so.
    ".live-page.stale main > :not(.not-live, .toast, dialog), .stale .figures-line",
    # No text: a drawing, and a code that is over.
    ".stripe",
    ".code-field .over",
}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    shares = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "surface"])
@pytest.mark.parametrize("ink", ["text", "quiet", "good", "warn", "bad", "brand"])
def test_text_stands_out_from_its_ground(ink: str, ground: str, mode: str) -> None:
    """The same ratio holds the other way round, for buttons: surface written on good, bad and brand."""
    bright, dim = sorted((luminance(COLOURS[ink][mode]), luminance(COLOURS[ground][mode])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5


def test_no_text_is_made_pale_by_opacity() -> None:
    """On whatever ground it stands, quiet text keeps its ratio; a colour seen through keeps none."""
    sheets = (Path(FOLDER) / "static").rglob("*.css")
    rules = [
        rule for sheet in sheets for rule in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet.read_text(encoding="utf-8"))
    ]
    pale = {
        re.sub(r"/\*.*?\*/", "", selector, flags=re.DOTALL).strip()
        for selector, declared in rules
        if re.search(r"opacity:\s*0?\.[0-9]*[1-9]", declared)
    }
    assert pale == MAY_BE_PALE
