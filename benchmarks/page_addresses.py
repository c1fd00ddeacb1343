"""The pages of the application, and an address of each on a campus that runs, found by following links."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

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


def explore(addresses: Addresses, client: httpx.Client, part: str, begin: str) -> Iterator[str]:
    """Follow the links from `begin` as somebody who is signed in, and note each address opened; yields what failed.

    An address counts once it was opened: the server answers 200, and leads nowhere else.
    """
    waiting, seen = deque([begin]), {begin}
    while waiting:
        path = waiting.popleft()
        if path != begin and not _is_wanted(addresses, path, part):
            continue  # Enough of its kind were opened since it was found.
        try:
            answer = client.get(path, follow_redirects=True)
        except httpx.HTTPError as error:
            yield f"{path} as {part}: {error!r}"
            continue
        if answer.is_server_error:
            yield f"{path} as {part}: {answer.status_code}"
        landed = answer.url.path
        if not answer.is_success or (landed != urlsplit(path).path and path != begin):
            continue
        addresses.add(landed if path == begin else path, part)
        for link in _links_of(answer):
            if link not in seen and _is_wanted(addresses, link, part):
                seen.add(link)
                waiting.append(link)


def _links_of(answer: httpx.Response) -> Iterator[str]:
    links = _Links()
    links.feed(answer.text)
    for link in links.found:
        target = answer.url.join(link)
        if target.netloc == answer.url.netloc:
            yield target.raw_path.decode("ascii")


class _Links(HTMLParser):
    """The addresses that a page's links lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads to."""
        if tag == "a" and (href := dict(attrs).get("href")) is not None:
            self.found.append(href)


def _is_wanted(addresses: Addresses, path: str, part: str) -> bool:
    route = addresses.route_of(path)
    if route is None or not is_page(route):
        return False
    return sum(one.part == part for one in addresses.found.get(route.path, ())) < _EACH
