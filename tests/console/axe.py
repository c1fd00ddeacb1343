"""What axe-core (WCAG 2.2 AA and best practices) finds on a page that is open."""

from functools import cache
from typing import Any

from axe_playwright_python.sync_playwright import Axe

Look = tuple[int, str]
PHONE: Look = (360, "light")
DESK: Look = (1280, "dark")
_HEIGHT = 800

_OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # to describe every element that passes takes half as long as the rules themselves
}


@cache
def _script() -> str:
    return Axe().axe_script


def violations(page: Any) -> list[str]:
    """Return rule, help and the elements concerned, one line for each violation."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())
    found = page.evaluate("options => axe.run(options).then(found => found.violations)", _OPTIONS)
    return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in found]


def inspect(page: Any, *looks: Look) -> None:
    """Hold the open page, at each width and in each colours given, to axe and to no scrolling sideways."""
    for width, scheme in looks or (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": _HEIGHT})
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], (page.url, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page.url, width, scheme)
