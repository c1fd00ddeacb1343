"""How a page is looked at, and what must hold each time: axe's rules, no scrolling sideways, no error of a script."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import CDPSession, Page

_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_HEIGHT = 900
_FONT_PX = 16
_SETTLES_MS = 300
Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Size:
    """A window: CSS pixels wide, `scale` device pixels for each, and the reader's own size of text."""

    name: str
    width: int
    scale: int = 1
    font_px: int = _FONT_PX


SIZES = (
    Size("phone", 360),
    Size("desk", 1280),
    Size("wall", 1920),
    Size("large-wall", 3840),
    # A desk of 1280 px whose reader has zoomed in to 200 % has 640 CSS pixels, each of two by two.
    Size("zoom", 640, scale=2),
    Size("text-zoom", 1280, font_px=2 * _FONT_PX),
)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a page as it was looked at."""

    page: str
    look: str
    what: str


def inspect(
    page: Page,
    name: str,
    language: str,
    *,
    sizes: Sequence[Size],
    schemes: Sequence[Scheme],
    pictures: Path | None = None,
) -> Iterator[Finding]:
    """Look at the open page at each size in each colours, its folded parts unfolded last, and yield what is wrong."""
    with_protocol = page.context.new_cdp_session(page)
    for size in sizes:
        _resize(page, with_protocol, size)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(_SETTLES_MS)
            look = f"{language} {size.name} {scheme}"
            for what in (*find_violations(page), *find_overflow(page)):
                yield Finding(name, look, what)
            if pictures is not None:
                page.screenshot(path=pictures / f"{_as_file(name)}-{language}-{size.name}-{scheme}.png", full_page=True)
    yield from _inspect_unfolded(page, with_protocol, name, language, sizes[0])
    with_protocol.detach()


def _inspect_unfolded(page: Page, with_protocol: CDPSession, name: str, language: str, size: Size) -> Iterator[Finding]:
    folded = page.locator("details:not([open])")
    if folded.count() == 0:
        return
    _resize(page, with_protocol, size)
    folded.evaluate_all("(all) => { for (const one of all) one.open = true; }")
    page.wait_for_timeout(_SETTLES_MS)
    for what in (*find_violations(page), *find_overflow(page)):
        yield Finding(name, f"{language} {size.name} unfolded", what)


def _resize(page: Page, with_protocol: CDPSession, size: Size) -> None:
    page.set_viewport_size({"width": size.width, "height": _HEIGHT})
    with_protocol.send(
        "Emulation.setDeviceMetricsOverride",
        {"width": size.width, "height": _HEIGHT, "deviceScaleFactor": size.scale, "mobile": False},
    )
    with_protocol.send("Page.setFontSizes", {"fontSizes": {"standard": size.font_px, "fixed": size.font_px}})


def find_violations(page: Page) -> list[str]:
    """Return what axe finds (WCAG 2.2 AA and best practices), a line for each rule."""
    found: list[dict[str, Any]] = Axe().run(page, options=_RULES).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:4]}" for one in found]


def find_overflow(page: Page) -> list[str]:
    """Return which elements make the page scroll sideways, if it does."""
    found: list[str] = page.evaluate(_OVERFLOW)
    return [f"scrolls sideways: {found}"] if found else []


_OVERFLOW = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((one) => {
    const box = one.getBoundingClientRect();
    if (box.width === 0 || box.right <= root.clientWidth + 0.5) return false;
    for (let up = one.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return false;
    }
    return true;
  });
  const name = (one) => {
    const right = Math.round(one.getBoundingClientRect().right);
    return `${one.tagName.toLowerCase()}${one.id ? "#" + one.id : ""}.${one.className} ${right}`;
  };
  return [`${root.scrollWidth} of ${root.clientWidth}`, ...wide.slice(0, 5).map(name)];
}"""


def _as_file(name: str) -> str:
    return name.strip("/").replace("/", "_").replace("{", "").replace("}", "").replace("'", "").replace(" ", "-")
