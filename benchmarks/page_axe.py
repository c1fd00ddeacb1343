"""axe-core (WCAG 2.2 AA and best practices) on an open page: all of its rules, or those that a change can concern."""

from functools import cache
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Rules = dict[str, Any]
_DESCRIBED: Rules = {"resultTypes": ["violations"]}
"""To describe every element that passes takes half as long as the rules themselves."""
ALL: Rules = _DESCRIBED | {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOUR: Rules = _DESCRIBED | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What light and dark can change: both rules compare computed colours."""
LAYOUT: Rules = _DESCRIBED | {"runOnly": {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]}}
"""What a width can change on elements that are shown at another one already: both rules measure boxes."""


def find_violations(page: Page, rules: Rules, within: str = "html") -> list[str]:
    """Return what axe finds in the first element that matches the selector `within`, a line for each rule."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())
    found: list[dict[str, Any]] = page.evaluate(_RUN, [within, rules])
    return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:4]}" for one in found]


_RUN = "([within, rules]) => axe.run(within, rules).then((found) => found.violations)"


@cache
def _script() -> str:
    return str(Axe().axe_script)
