"""Draws the pictograms of the photo rules: `python -m tools.photo_pictograms [FOLDER]`.

One SVG of 120 × 150 for each rule, showing what breaks it, and `good.svg`, showing what keeps them all. They stand in
`console/static/rules`, for the phone page and for `docs/photo-rules.md`. Each brings its own paper and its own
colours, so it looks the same on a light and on a dark page.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "console" / "static" / "rules"

_WALL, _SKIN, _HAIR, _SHIRT, _LINE = "#d9e6f2", "#f0c9a4", "#4a3728", "#3f6fa3", "#2b2b2b"
_GREY_WALL, _GREY_SKIN, _GREY_HAIR, _GREY_SHIRT = "#e3e3e3", "#cfcfcf", "#4d4d4d", "#7a7a7a"


def _eye(x: float, *, size: float = 1.0) -> str:
    return (
        f'<ellipse cx="{x}" cy="66" rx="{4.6 * size:g}" ry="{2.9 * size:g}" fill="#fff"/>'
        f'<circle cx="{x}" cy="66" r="{2.5 * size:g}" fill="{_LINE}"/>'
    )


def _closed_eye(x: float) -> str:
    return f'<path d="M{x - 5} 66q5 4 10 0" fill="none" stroke="{_LINE}" stroke-width="1.8" stroke-linecap="round"/>'


def _person(
    *,
    skin: str = _SKIN,
    hair: str = _HAIR,
    shirt: str = _SHIRT,
    eyes: str = _eye(49) + _eye(71),
    face: str | None = None,
) -> str:
    """Head and shoulders, upright, facing the camera; they fill about two thirds of the picture."""
    features = face or (
        f'<path d="M42 58q6-4 12-1M66 57q6-3 12 1" fill="none" stroke="{hair}" stroke-width="2.2"/>{eyes}'
        f'<path d="M60 68v10q0 2-3 2h4" fill="none" stroke="#b98a62" stroke-width="1.6"/>'
        '<path d="M52 89q8 4 16 0" fill="none" stroke="#a8483f" stroke-width="2.4" stroke-linecap="round"/>'
    )
    return (
        f'<path d="M6 190v-54q4-20 34-25l20 8 20-8q30 5 34 25v54z" fill="{shirt}"/>'
        f'<path d="M49 92h22v20l-11 9-11-9z" fill="{skin}"/>'
        f'<ellipse cx="60" cy="57" rx="33" ry="36" fill="{hair}"/>'
        f'<ellipse cx="30" cy="70" rx="4" ry="7" fill="{skin}"/><ellipse cx="90" cy="70" rx="4" ry="7" fill="{skin}"/>'
        f'<path d="M31 60q5-20 29-21 24 1 29 21v12q-2 32-29 32t-29-32z" fill="{skin}"/>{features}'
    )


def _turned_away() -> str:
    """A head seen from the side."""
    return (
        f'<path d="M6 190v-54q4-20 34-25l20 8 20-8q30 5 34 25v54z" fill="{_SHIRT}"/>'
        f'<path d="M52 92h24v20l-12 9-12-9z" fill="{_SKIN}"/>'
        f'<path d="M42 44q20-14 40 6 8 10 6 40 0 12-12 12H60q-16 0-18-8-3-4 0-8-4-3-2-7-9-2-6-7 5-8 5-16z" '
        f'fill="{_SKIN}"/>'
        f'<path d="M40 50q-2-28 28-29 32 3 30 40-1 20-10 30-8-2-9-18-8-4-8-14-20 0-31-9z" fill="{_HAIR}"/>'
        f'<path d="M76 68q6-4 6 5t-6 6" fill="none" stroke="#b98a62" stroke-width="2"/>'
        f'<circle cx="48" cy="65" r="2.4" fill="{_LINE}"/>'
        f'<path d="M44 57h8" stroke="{_HAIR}" stroke-width="2.2"/>'
        '<path d="M43 88h8" stroke="#a8483f" stroke-width="2.4" stroke-linecap="round"/>'
    )


def _at(drawing: str, transform: str) -> str:
    return f'<g transform="{transform}">{drawing}</g>'


def _arrow(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="#8a3b00" stroke-width="2.4" stroke-linecap="round"/>'


def _mosaic(step: int) -> str:
    """The person in squares of `step` pixels, as far as a coarse picture shows one."""
    squares: dict[str, list[str]] = defaultdict(list)
    for top in range(4, 146, step):
        for left in range(4, 116, step):
            square = f"M{left} {top}h{step}v{step}h-{step}z"
            squares[f'fill="{_coarse(left + step / 2, top + step / 2)}"'].append(square)
            # Squares of one colour differ a little, as the blocks of a bad JPEG do.
            if (left // step * 7 + top // step * 5) % 3 == 0:
                squares['fill-opacity=".1"'].append(square)
    return "".join(f'<path d="{"".join(paths)}" {paint}/>' for paint, paths in squares.items())


def _coarse(x: float, y: float) -> str:
    if abs(y - 66) < 5 and min(abs(x - 48), abs(x - 72)) < 6:
        return _LINE
    if abs(y - 90) < 5 and abs(x - 60) < 9:
        return "#a8483f"
    if ((x - 60) / 29) ** 2 + ((y - 72) / 32) ** 2 < 1:
        return _SKIN
    if ((x - 60) / 34) ** 2 + ((y - 57) / 37) ** 2 < 1:
        return _HAIR
    if ((x - 60) / 56) ** 2 + ((y - 148) / 38) ** 2 < 1:
        return _SHIRT
    return _WALL


def _grains() -> str:
    """Specks at places that are always the same."""
    state, specks = 7, defaultdict[str, list[str]](list)
    for number in range(360):
        state = (state * 1103515245 + 12345) % 2**31
        x, y = 5 + state % 109, 5 + state // 109 % 139
        specks[("#000", "#fff", "#c33", "#36c")[number % 4]].append(f"M{x} {y}h2v2h-2z")
    return "".join(
        f'<path d="{"".join(paths)}" fill="{colour}" fill-opacity=".55"/>' for colour, paths in specks.items()
    )


_MASK = (
    '<path d="M29 70l8 8M91 70l-8 8" stroke="#eef3f5" stroke-width="2.4"/>'
    '<path d="M36 76q24-8 48 0v14q-6 15-24 16-18-1-24-16z" fill="#8fc3d9" stroke="#5f98b3" stroke-width="1.4"/>'
    '<path d="M38 85h44M40 92h40" stroke="#5f98b3" stroke-width="1.2"/>'
)
_SUNGLASSES = (
    '<path d="M36 60h20v6q0 9-10 9t-10-9zM64 60h20v6q0 9-10 9t-10-9z" fill="#16181c"/>'
    '<path d="M56 62h8M36 62l-6 2M84 62l6 2" stroke="#16181c" stroke-width="3"/>'
)
_SPARKLE = '<path d="M{x} {y}l2.6 6.4 6.4 2.6-6.4 2.6-2.6 6.4-2.6-6.4-6.4-2.6 6.4-2.6z" fill="#e9a400"/>'
_TREE = (
    '<path d="M14 96h5V60h-5zM101 90h5V52h-5z" fill="#7a5230"/><circle cx="16" cy="50" r="17" fill="#5f9a4c"/>'
    '<circle cx="104" cy="42" r="18" fill="#4f8a3d"/>'
)


def _stripes() -> str:
    bars = "".join(f'<path d="M{x} 4h9v142h-9z" fill="#c96f4a"/>' for x in range(8, 116, 18))
    return f'<path d="M4 4h112v142H4z" fill="#f3e3a4"/>{bars}{_TREE}{_person()}'


def _too_few_pixels() -> str:
    arrows = _arrow("M30 40L12 22m0 8v-8h8") + _arrow("M90 40l18-18m0 8v-8h-8")
    frame = '<path d="M35.7 47.6h48.2v63.2H35.7z" fill="none" stroke="#5b6770" stroke-width="1.6"/>'
    small = _at(_mosaic(14), "translate(34 46) scale(.43 .41)")
    return f'<path d="M4 4h112v142H4z" fill="#f7f7f5"/>{small}{frame}{arrows}'


def _torn_file() -> str:
    return (
        '<path d="M4 4h112v142H4z" fill="#f7f7f5"/>'
        '<path d="M28 20h46l20 20v42l-12 8-10-9-12 11-12-10-10 9-10-8z" fill="#fff" stroke="#5b6770" stroke-width="2"/>'
        '<path d="M74 20v20h20" fill="none" stroke="#5b6770" stroke-width="2"/>'
        '<path d="M28 98l10 8 10-9 12 10 12-11 10 9 12-8v33H28z" fill="#fff" stroke="#5b6770" stroke-width="2"/>'
        '<circle cx="48" cy="52" r="6" fill="#e9b949"/><path d="M34 78l14-16 10 10 12-18 16 24z" fill="#8fb58a"/>'
    )


def _exposure() -> str:
    return (
        f"{_person()}"
        '<path d="M4 4h56v142H4z" fill="#05070c" fill-opacity=".84"/>'
        '<path d="M60 4h56v142H60z" fill="#fff" fill-opacity=".84"/>'
        '<path d="M19 22a7 7 0 1 0 9 9 8 8 0 0 1-9-9z" fill="#f2d98b"/>'
        '<circle cx="98" cy="27" r="6" fill="#f2b632"/>'
        '<path d="M98 15v3M98 36v3M86 27h3M107 27h3M90 19l2 2M104 33l2 2M90 35l2-2M104 21l2-2" stroke="#f2b632" '
        'stroke-width="2"/>'
    )


def _blurred(deviation: str) -> str:
    return (
        f'<filter id="b" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="{deviation}"/>'
        f'</filter><g filter="url(#b)">{_person()}</g>'
    )


def _grey() -> str:
    grey_eyes = (_eye(49) + _eye(71)).replace("#a8483f", "#777")
    person = _person(skin=_GREY_SKIN, hair=_GREY_HAIR, shirt=_GREY_SHIRT, eyes=grey_eyes)
    person = person.replace("#a8483f", "#6f6f6f").replace("#b98a62", "#9a9a9a")
    return f'<path d="M4 4h112v142H4z" fill="{_GREY_WALL}"/>{person}'


DRAWINGS: dict[str, Callable[[], str]] = {
    "good": _person,
    "readable": _torn_file,
    "resolution": _too_few_pixels,
    "one_face": lambda: (
        _at(_person(shirt="#8a5a83", hair="#23201e"), "translate(50 26) scale(.72)")
        + _at(_person(), "translate(-14 30) scale(.8)")
    ),
    "face_large_enough": lambda: (
        _at(_person(), "translate(47 52) scale(.24)")
        + '<path d="M49 86h23l3 28H46z" fill="#3f6fa3"/><path d="M50 112h8v30h-8zM62 112h8v30h-8z" fill="#3a4450"/>'
        + _arrow("M51 44h18m-4-4l4 4-4 4m-10-8l-4 4 4 4")
    ),
    "head_in_picture": lambda: _at(_person(), "translate(-54 -26) scale(1.18)"),
    "framing": lambda: _at(_person(), "translate(-66 -84) scale(2.1)"),
    "fills_picture": lambda: (
        _at(_person(), "translate(34 80) scale(.46)")
        + '<path d="M12 42h96v100H12z" fill="none" stroke="#8a3b00" stroke-width="2" stroke-dasharray="6 4"/>'
        + '<text x="60" y="34" text-anchor="middle" font-family="sans-serif" font-size="17" font-weight="700" '
        'fill="#8a3b00">⅔</text>'
    ),
    "frontal": _turned_away,
    "straight": lambda: _at(_person(), "rotate(20 60 120) translate(0 6)") + _arrow("M84 18q16 5 21 18m-9-4l9 4 3-9"),
    "unobstructed": lambda: _person(face=_SUNGLASSES + _MASK),
    "eyes_open": lambda: _person(eyes=_closed_eye(49) + _closed_eye(71)),
    "colour": _grey,
    "exposure": _exposure,
    "even_light": lambda: (
        _person()
        + '<path d="M60 20q35 0 34 40v14q-2 32-34 34v13l20-10q30 5 34 25v10H60z" fill="#0a0d14" fill-opacity=".72"/>'
        + '<circle cx="17" cy="32" r="7" fill="#f2b632"/>'
        + '<path d="M26 38l8 5M27 30l9-2M21 42l4 8" stroke="#f2b632" stroke-width="2.4"/>'
    ),
    "sharp": lambda: _blurred("3.2"),
    "motion_blur": lambda: (
        _at(_person(), "translate(-11 0)")
        + f'<g opacity=".5">{_person()}</g>'
        + _at(f'<g opacity=".4">{_person()}</g>', "translate(11 0)")
        + _arrow("M8 20h20M92 20h20M12 29h16M92 29h16")
    ),
    "noise": lambda: _person() + _grains(),
    "compression": lambda: _mosaic(8),
    "background": _stripes,
    "beautified": lambda: (
        _person(skin="#fbe3dc", eyes=_eye(48, size=1.75) + _eye(72, size=1.75))
        + "".join(_SPARKLE.format(x=x, y=y) for x, y in ((16, 14), (101, 30), (95, 92)))
        + '<circle cx="40" cy="82" r="5" fill="#f59a9a" fill-opacity=".6"/>'
        + '<circle cx="80" cy="82" r="5" fill="#f59a9a" fill-opacity=".6"/>'
    ),
}
"""What breaks each rule, by the rule's name, and `good`."""


def pictogram(name: str) -> str:
    """Return the SVG of the rule `name`, or of `good`."""
    right = name == "good"
    mark = "M94 131l5 5 9-11" if right else "M95 125l12 12m0-12l-12 12"
    badge = (
        f'<circle cx="101" cy="131" r="13" fill="{"#1f8a4c" if right else "#c62828"}" stroke="#fff" stroke-width="2"/>'
        f'<path d="{mark}" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round" '
        'stroke-linejoin="round"/>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 150" width="120" height="150">'
        '<clipPath id="p"><rect x="4" y="4" width="112" height="142" rx="6"/></clipPath>'
        f'<g clip-path="url(#p)"><path d="M4 4h112v142H4z" fill="{_WALL}"/>{DRAWINGS[name]()}</g>'
        '<rect x="4" y="4" width="112" height="142" rx="6" fill="none" stroke="#7a8794" stroke-width="2"/>'
        f"{badge}</svg>\n"
    )


def main() -> int:
    """Write every pictogram."""
    parser = argparse.ArgumentParser(prog="python -m tools.photo_pictograms", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in DRAWINGS:
        (folder / f"{name}.svg").write_text(pictogram(name), encoding="utf-8")
    print(f"{len(DRAWINGS)} pictograms in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
