"""Answering a page's requests instead of its server."""

from collections.abc import Callable
from typing import Any

from tests.waiting import until

PROBE = "/is-this-intercepted"
SEEN = 418


def intercept(page: Any, addresses: str, handler: Callable[[Any], object]) -> None:
    """Let `handler` answer what `page` asks at `addresses`, from the next request on.

    Playwright's `route` alone returns before the page has learned of it: one request in twenty still passes by.
    """
    page.route(f"**{PROBE}", lambda route: route.fulfill(status=SEEN))
    page.route(addresses, handler)
    until(lambda: page.evaluate("async (address) => (await fetch(address)).status", PROBE) == SEEN)
    page.unroute(f"**{PROBE}")
