"""Where somebody goes on after signing in: the page that they asked for, or that a form stood on.

The address travels through the browser, so it is read again as what anybody may have written: only a page of this
server counts.
"""

from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from console.navigation import AREAS, find_current
from console.rendering import DONE, path_to, root_of

NEXT = "next"
LONGEST = 2_000


def find_return_address(request: Request) -> str | None:
    """Return the page to go on with once whoever sent `request` has signed in; None for the one that is theirs.

    A form that was sent leads back to the page that it stood on.
    """
    if (asked := read_return_address(request, request.query_params.get(NEXT, ""))) is not None:
        return asked
    if request.method == "GET" and _is_page(request, request.url.path):
        kept = urlencode([one for one in request.query_params.multi_items() if one[0] != DONE])
        return read_return_address(request, f"{request.url.path}?{kept}" if kept else request.url.path)
    return _page_before(request)


def read_return_address(request: Request, typed: str) -> str | None:
    """Return an address that came with a form or a link when it is a page of this server, and no way in itself."""
    path = urlsplit(typed).path
    ways_in = {path_to(request, name) for name in ("home", "sign_in_page", "password_page")}
    is_own = typed.startswith(path_to(request, "home")) and path not in ways_in
    return typed if is_own and len(typed) <= LONGEST and _is_page(request, path) else None


def with_return_address(address: str, wanted: str | None, **more: str) -> str:
    """Return an address that carries where to go on, and `more`."""
    query = urlencode({**more, **({NEXT: wanted} if wanted else {})})
    return f"{address}?{query}" if query else address


def _page_before(request: Request) -> str | None:
    before = urlsplit(request.headers.get("referer", ""))
    if before.netloc != request.headers.get("host"):
        return None
    if _is_page(request, before.path):
        return read_return_address(request, f"{before.path}?{before.query}" if before.query else before.path)
    # A form that had been refused stood at its own address, which shows nothing to whoever only asks for it.
    current = find_current(AREAS, before.path, lambda route: path_to(request, route))
    return None if current is None else path_to(request, current[1].route)


def _is_page(request: Request, path: str) -> bool:
    within = path.removeprefix(root_of(request))
    pages = (page for page in request.app.state.pages.values() if isinstance(page, APIRoute))
    found = next((page for page in pages if "GET" in (page.methods or ()) and page.path_regex.match(within)), None)
    return found is not None and found.response_class is HTMLResponse
