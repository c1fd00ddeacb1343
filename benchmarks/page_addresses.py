"""The pages of the application, and an address of each on a campus that runs, found by following links."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from playwright.sync_api import Page

from console import pages

_EACH = 2
"""Addresses of a page that each opens for their links: the first room may have no meter, the second one has."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a page was found, and who may open it there."""

    path: str
    part: str


@dataclass(slots=True)
class Addresses:
    """What was found of each page, by its route."""

    routes: list[APIRoute]
    found: dict[str, list[Address]] = field(default_factory=dict)

    @classmethod
    def of_the_application(cls) -> "Addresses":
        """Return every route that answers a GET with a page; none is found yet."""
        routes = [route for router in pages.ROUTERS for route in router.routes if isinstance(route, APIRoute)]
        return cls([route for route in routes if "GET" in (route.methods or ())])

    @property
    def missing(self) -> list[str]:
        """The pages of which no address was found."""
        return [route.path for route in self.routes if is_page(route) and route.path not in self.found]

    def route_of(self, path: str) -> APIRoute | None:
        """Return the route that answers an address."""
        plain = urlsplit(path).path
        return next((route for route in self.routes if route.path_regex.match(plain)), None)

    def add(self, path: str, part: str) -> bool:
        """Note an address of a page; return whether it is new and one of the first."""
        route = self.route_of(path)
        if route is None or not is_page(route):
            return False
        known = self.found.setdefault(route.path, [])
        mine = [one for one in known if one.part == part]
        if len(mine) >= _EACH or any(one.path == path for one in mine):
            return False
        known.append(Address(path, part))
        return True


def is_page(route: APIRoute) -> bool:
    """Tell whether a route answers with a page to look at, and not with data, a file or the way elsewhere."""
    return route.response_class is HTMLResponse


def explore(addresses: Addresses, page: Page, part: str, begin: str) -> Iterator[str]:
    """Follow the links from `begin` with a browser in which somebody is signed in, and yield each address opened.

    An address counts once it was opened: the server answers 200, and leads nowhere else.
    """
    waiting, seen = deque([begin]), {begin}
    while waiting:
        path = waiting.popleft()
        if path != begin and not _is_wanted(addresses, path, part):
            continue  # Enough of its kind were opened since it was found.
        answer = page.goto(path)
        landed = urlsplit(page.url).path
        yield path
        if answer is None or not answer.ok or (landed != urlsplit(path).path and path != begin):
            continue
        addresses.add(landed if path == begin else path, part)
        page.wait_for_load_state("load")
        for link in page.locator("a[href]").evaluate_all("(all) => all.map((one) => one.href)"):
            target = urlsplit(link)
            wanted = target.path + (f"?{target.query}" if target.query else "")
            if (
                target.netloc == urlsplit(page.url).netloc
                and wanted not in seen
                and _is_wanted(addresses, wanted, part)
            ):
                seen.add(wanted)
                waiting.append(wanted)


def _is_wanted(addresses: Addresses, path: str, part: str) -> bool:
    route = addresses.route_of(path)
    if route is None or not is_page(route):
        return False
    return sum(one.part == part for one in addresses.found.get(route.path, ())) < _EACH
