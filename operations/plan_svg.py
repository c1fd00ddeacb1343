"""An SVG file reduced to what a drawing needs: shapes, text, gradients, pictures that it holds itself.

A file that holds a script or declares entities is refused: no drawing of a building needs either. The others are
written anew from a list of what is allowed. Whatever is not on the list is left out with all that it holds: foreign
content, animation, links, references to other places.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ELEMENTS = frozenset(
    [
        "svg",
        "g",
        "defs",
        "symbol",
        "use",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "title",
        "desc",
        "style",
        "image",
        "linearGradient",
        "radialGradient",
        "stop",
        "clipPath",
        "mask",
        "pattern",
        "marker",
    ]
)
_NAME = re.compile(r"[A-Za-z][\w-]*")
_REFERENCE = re.compile(r"#[\w.:-]+")
_OWN_PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]+")
_URL = re.compile(r"url\s*\(\s*['\"]?(?!#)", re.IGNORECASE)
_FORBIDDEN_WORDS = re.compile(r"@import|javascript:|expression\s*\(|\\", re.IGNORECASE)
_LENGTH = re.compile(r"\s*([0-9.]+)\s*(?:px|pt|mm|cm|in)?\s*")
_MOST_ELEMENTS, _DEEPEST = 100_000, 100
_DRAWN_WIDTH = 2000
"""Pixels that a drawing counts as, whatever unit it was made in."""


class UnusableSvgError(ValueError):
    """Why a file is not taken."""


class ScriptedSvgError(UnusableSvgError):
    """It holds a script, or what runs one."""


@dataclass(frozen=True, slots=True)
class SafeSvg:
    """The file written anew, and how wide and high it counts as."""

    content: bytes
    width: int
    height: int


def make_safe(content: bytes) -> SafeSvg:
    """Return what of an SVG file is allowed.

    Raises:
        ScriptedSvgError: it holds a script, something that reacts to events, or a link that runs one.
        UnusableSvgError: it is no SVG, declares entities, is too large a tree, or does not say its size.
    """
    writer = _Writer()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    parser.EntityDeclHandler = writer.refuse_entity
    try:
        parser.Parse(content, True)
    except UnusableSvgError:
        raise
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        raise UnusableSvgError(str(error)) from error
    if writer.size is None:
        raise UnusableSvgError("it is no SVG drawing")
    width, height = writer.size
    return SafeSvg("".join(writer.written).encode(), width, height)


class _Writer:
    """Hears what the parser reads, and writes what is allowed of it."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.size: tuple[int, int] | None = None
        self._depth = 0
        self._left_out_at: int | None = None
        """The depth of the element that is left out with all that it holds."""
        self._elements = 0
        self._style: list[str] | None = None

    def refuse_entity(self, *_declared: object) -> None:
        """Refuse the file: entities can make it grow without end, or read others."""
        raise UnusableSvgError("it declares entities")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Write an element's beginning."""
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise UnusableSvgError("it holds too much")
        namespace, _, name = tag.rpartition(" ")
        if _runs(name, attributes):
            raise ScriptedSvgError("it holds a script")
        if self._left_out_at is not None:
            return
        if self._depth == 1:
            if (namespace, name) != (SVG, "svg"):
                raise UnusableSvgError("it is no SVG drawing")
            self.size, box = _size_of(attributes)
            given = {key: value for key, value in attributes.items() if key not in {"width", "height", "viewBox"}}
            self.written.append(f'<svg xmlns="{SVG}" xmlns:xlink="{XLINK}" viewBox="{box}"')
            self.written.append(f' width="{self.size[0]}" height="{self.size[1]}"{_written(name, given)}>')
        elif namespace != SVG or name not in _ELEMENTS or self._style is not None:
            self._left_out_at = self._depth
        elif name == "style":
            self._style = []
        else:
            self.written.append(f"<{name}{_written(name, attributes)}>")

    def end(self, tag: str) -> None:
        """Write an element's end."""
        if self._left_out_at is None:
            name = tag.rpartition(" ")[2]
            if name == "style" and self._style is not None:
                rules, self._style = "".join(self._style), None
                if _is_harmless(rules):
                    self.written.append(f"<style>{escape(rules)}</style>")
            else:
                self.written.append(f"</{name}>")
        elif self._left_out_at == self._depth:
            self._left_out_at = None
        self._depth -= 1

    def text(self, text: str) -> None:
        """Write text."""
        if self._left_out_at is not None:
            return
        if self._style is not None:
            self._style.append(text)
        else:
            self.written.append(escape(text))


def _runs(element: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element is a script, whatever it stands in, or would run one."""
    names = [key.rpartition(" ")[2].lower() for key in attributes]
    links = ("".join(value.split()).lower() for value in attributes.values())
    return (
        element.lower() == "script"
        or any(name.startswith("on") for name in names)
        or any(value.startswith("javascript:") for value in links)
    )


def _written(element: str, attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in _allowed(element, attributes))


def _allowed(element: str, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in attributes.items():
        namespace, _, name = key.rpartition(" ")
        if name == "href" and namespace in {"", XLINK}:
            form = _OWN_PICTURE if element == "image" else _REFERENCE
            if form.fullmatch(value.strip()):
                yield "xlink:href", value.strip()
        elif not namespace and _NAME.fullmatch(name) and not name.lower().startswith("on") and _is_harmless(value):
            yield name, value


def _is_harmless(value: str) -> bool:
    return not _URL.search(value) and not _FORBIDDEN_WORDS.search(value)


def _size_of(attributes: Mapping[str, str]) -> tuple[tuple[int, int], str]:
    """Return width and height that a drawing counts as, and its view box."""
    box = attributes.get("viewBox", "").replace(",", " ").split()
    lengths = [_LENGTH.fullmatch(attributes.get(name, "")) for name in ("width", "height")]
    if not box and all(lengths):
        box = ["0", "0", *(found[1] for found in lengths if found)]
    try:
        x, y, width, height = (float(one) for one in box)
    except ValueError as error:
        raise UnusableSvgError("it does not say how large it is") from error
    if not (0 < width < 1e7 and 0 < height < 1e7 and abs(x) < 1e7 and abs(y) < 1e7 and 0.05 < width / height < 20):
        raise UnusableSvgError("it does not say how large it is")
    return (_DRAWN_WIDTH, max(1, round(_DRAWN_WIDTH * height / width))), f"{x:g} {y:g} {width:g} {height:g}"
