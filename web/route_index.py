"""Routes found by the beginning of a path, where a framework tries hundreds one after the other.

A request is handed to a small router of those routes alone that its path's first segments leave possible, in their
order; so the one that answers is the same, also that it is not there with this method. Whatever fits none of them
takes the long way, for the answers to what is not there, or elsewhere.
"""

from collections.abc import Iterable
from itertools import takewhile

from fastapi import APIRouter
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

_DEPTH = 3
"""Segments looked at: `/api/v1/payments`, `/console/me/money`."""


class RouteIndex:
    """The routes of a router as they are when it is made: to be put in front of it when all are there."""

    def __init__(self, router: APIRouter) -> None:
        """Take the router that knows all routes."""
        self._whole = router
        self._parts = {
            beginning: APIRouter(
                routes=[route for route in router.routes if _may_match(route, beginning)],
                redirect_slashes=False,
                default=router.app,
            )
            for beginning in _find_beginnings(router.routes)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        is_plain = scope["type"] == "http" and not scope.get("root_path")
        part = self._parts.get(_begin(scope["path"]), self._whole) if is_plain else self._whole
        # Addresses are made by the router that knows all of them.
        scope.setdefault("router", self._whole)
        await part.app(scope, receive, send)


def index_routes(router: APIRouter) -> None:
    """Let a router find its routes by an index; what is added to it later is not found."""
    router.middleware_stack = RouteIndex(router)


def _begin(path: str) -> tuple[str, ...]:
    return tuple(path.split("/", _DEPTH + 1)[1 : _DEPTH + 1])


def _find_beginnings(routes: Iterable[BaseRoute]) -> set[tuple[str, ...]]:
    begun = {_begin(getattr(route, "path", "{}")) for route in routes}
    return {beginning for beginning in begun if not any("{" in segment for segment in beginning)}


def _may_match(route: BaseRoute, beginning: tuple[str, ...]) -> bool:
    path = getattr(route, "path", None)
    if path is None:
        return True
    segments = _begin(path)
    # A part of a path that may hold slashes stands for any number of segments, and so does what is mounted.
    is_open = isinstance(route, Mount) or ":path}" in path
    if not is_open and len(segments) != len(beginning):
        return False
    before_open = takewhile(lambda segment: ":path}" not in segment, segments)
    return all("{" in mine or mine == theirs for mine, theirs in zip(before_open, beginning, strict=False))
