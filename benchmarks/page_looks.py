"""How a page is looked at, and what must hold: axe's rules, no scrolling sideways.

A page is loaded once; sizes and colours change under it. The server makes the same page for each of them, so that what
cannot have changed is not looked at again: all of axe's rules hold what is shown at the first size, in the first
colours; its rules on colours in the others; its rules on layout, and scrolling sideways, at each size. Where a size
shows elements that none before it showed, all of it is done again. So it is with folded parts, which are unfolded
together, and with dialogs, which are opened one by one; both at the narrowest and at a desk's size. A dialog whose
title a script fills in when it opens is looked at where a state of `benchmarks.page_states` opens it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import CDPSession, Page

from benchmarks.page_axe import ALL, COLOUR, LAYOUT, Rules, find_violations

_HEIGHT = 900
_FONT_PX = 16
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
_OF_DIALOGS = 2
"""How many of the sizes unfolded parts and dialogs are looked at: they are no wider on a wall than on a desk."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a page as it was looked at."""

    page: str
    look: str
    what: str


@dataclass(frozen=True, slots=True)
class Look:
    """An open page in one language, and how it is to be looked at."""

    page: Page
    name: str
    language: str
    sizes: Sequence[Size]
    schemes: Sequence[Scheme]
    pictures: Path | None = None

    def inspect(self) -> Iterator[Finding]:
        """Yield what is wrong with the page; leaves it with everything unfolded."""
        protocol = self.page.context.new_cdp_session(self.page)
        for size in self.sizes:
            self._resize(protocol, size)
            yield from self._inspect_shown(size)
            self._take_pictures(size)
        yield from self._inspect_unfolded(protocol)
        yield from self._inspect_dialogs(protocol)
        protocol.detach()

    def _inspect_shown(self, size: Size, part: str = "") -> Iterator[Finding]:
        first, *others = self.schemes
        if not self.page.evaluate(_SHOWS_MORE):
            yield from self._find(size, part, LAYOUT)
        else:
            self._colour(first)
            yield from self._find(size, f"{part} {first}", ALL)
            for scheme in others:
                self._colour(scheme)
                yield from self._find(size, f"{part} {scheme}", COLOUR)
        for what in find_overflow(self.page):
            yield self._finding(size, part, what)

    def _inspect_unfolded(self, protocol: CDPSession) -> Iterator[Finding]:
        folded = self.page.locator("details:not([open])")
        if folded.count() == 0:
            return
        folded.evaluate_all("(all) => { for (const one of all) one.open = true; }")
        for size in self.sizes[:_OF_DIALOGS]:
            self._resize(protocol, size)
            yield from self._inspect_shown(size, " unfolded")

    def _inspect_dialogs(self, protocol: CDPSession) -> Iterator[Finding]:
        for dialog in self.page.locator("dialog[id]:not([open])").evaluate_all(_FILLED_IN):
            self.page.evaluate("(id) => document.getElementById(id).showModal()", dialog)
            for size in self.sizes[:_OF_DIALOGS]:
                self._resize(protocol, size)
                is_first = size is self.sizes[0]
                for scheme in self.schemes if is_first else self.schemes[:1]:
                    self._colour(scheme)
                    rules = LAYOUT if not is_first else ALL if scheme == self.schemes[0] else COLOUR
                    yield from self._find(size, f" dialog {dialog} {scheme}", rules, f"#{dialog}")
                for what in find_overflow(self.page, f"#{dialog}"):
                    yield self._finding(size, f" dialog {dialog}", what)
            self.page.evaluate("(id) => document.getElementById(id).close()", dialog)

    def _find(self, size: Size, part: str, rules: Rules, within: str = "html") -> Iterator[Finding]:
        for what in find_violations(self.page, rules, within):
            yield self._finding(size, part, what)

    def _finding(self, size: Size, part: str, what: str) -> Finding:
        return Finding(self.name, f"{self.language} {size.name}{part}", what)

    def _take_pictures(self, size: Size) -> None:
        if self.pictures is None:
            return
        for scheme in self.schemes:
            self._colour(scheme)
            file = f"{_as_file(self.name)}-{self.language}-{size.name}-{scheme}.png"
            self.page.screenshot(path=self.pictures / file, full_page=True)

    def _colour(self, scheme: Scheme) -> None:
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(self.page)

    def _resize(self, protocol: CDPSession, size: Size) -> None:
        self.page.set_viewport_size({"width": size.width, "height": _HEIGHT})
        metrics: dict[str, Any] = {"width": size.width, "height": _HEIGHT, "deviceScaleFactor": size.scale}
        protocol.send("Emulation.setDeviceMetricsOverride", {**metrics, "mobile": False})
        protocol.send("Page.setFontSizes", {"fontSizes": {"standard": size.font_px, "fixed": size.font_px}})
        settle(self.page)


def settle(page: Page) -> None:
    """Return once the page is drawn as it stands, and no transition of its colours or boxes goes on."""
    page.evaluate(_SETTLED)


_SETTLED = """async () => {
  const drawn = () => new Promise((after) => requestAnimationFrame(() => requestAnimationFrame(after)));
  await drawn();
  const ends = (one) => Number.isFinite(one.effect?.getComputedTiming().endTime);
  await Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished));
  await drawn();
}"""
_FILLED_IN = """(all) => all.filter(
  (one) => [...one.querySelectorAll("h1, h2, h3")].every((title) => title.textContent.trim())).map((one) => one.id)"""
_SHOWS_MORE = """() => {
  const shown = (window.shownBefore ??= new WeakSet());
  const fresh = [...document.querySelectorAll("body, body *")].filter(
    (one) => !shown.has(one) && one.checkVisibility({ visibilityProperty: true }));
  for (const one of fresh) shown.add(one);
  return fresh.length > 0;
}"""


def find_overflow(page: Page, within: str = "html") -> list[str]:
    """Return which elements make the page, or a part of it, scroll sideways, if it does."""
    found: list[str] = page.evaluate(_OVERFLOW, within)
    return [f"scrolls sideways: {found}"] if found else []


_OVERFLOW = """(within) => {
  const root = document.querySelector(within);
  if (root.scrollWidth <= root.clientWidth) return [];
  const right = root.getBoundingClientRect().left + root.clientLeft + root.clientWidth;
  const wide = [...root.querySelectorAll("*")].filter((one) => {
    const box = one.getBoundingClientRect();
    if (box.width === 0 || box.right <= right + 0.5) return false;
    for (let up = one.parentElement; up && up !== root && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return false;
    }
    return true;
  });
  const name = (one) => {
    const end = Math.round(one.getBoundingClientRect().right);
    return `${one.tagName.toLowerCase()}${one.id ? "#" + one.id : ""}.${one.className} ${end}`;
  };
  return [`${root.scrollWidth} of ${root.clientWidth}`, ...wide.slice(0, 5).map(name)];
}"""


def _as_file(name: str) -> str:
    return name.strip("/").replace("/", "_").replace("{", "").replace("}", "").replace("'", "").replace(" ", "-")
