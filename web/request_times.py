"""How long requests take and how they end, by the beginning of their paths, for Prometheus.

Time is until the answer begins: live pages go on for hours. Paths hold ids, so only what routes begin with is a label.
"""

import time
from collections.abc import Iterable

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SEGMENTS = 3
_OTHER = "other"
_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class RequestTimes:
    """Counts what is asked, by area, and by the class of its answer: 2xx to 5xx, or lost where none began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register; `areas` is for the rim to set when all routes are there."""
        self.areas: frozenset[str] = frozenset()
        self._seconds = Histogram(
            "campusgate_http_seconds",
            "Seconds until the answer to a request began",
            ["area", "status"],
            buckets=_BOUNDS_S,
            registry=registry,
        )

    def observe(self, path: str, status: int | None, seconds: float) -> None:
        """Count one request; `status` None: it was given up, or the server failed to answer."""
        area = area_of(path)
        ended = "lost" if status is None else f"{status // 100}xx"
        self._seconds.labels(area if area in self.areas else _OTHER, ended).observe(seconds)


class RequestTimer:
    """Middleware that measures every request."""

    def __init__(self, app: ASGIApp, times: RequestTimes) -> None:
        """Take the app, and where to count."""
        self._app = app
        self._times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, ended = time.perf_counter(), None, None

        async def note(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status, ended = message["status"], time.perf_counter()
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._times.observe(scope["path"], status, (ended or time.perf_counter()) - begun)


def area_of(path: str) -> str:
    """Return the beginning of a path: `/api/v1/payments`, `/console/office`."""
    segments = path.split("/", _SEGMENTS + 1)[1 : _SEGMENTS + 1]
    return "/" + "/".join(segments[:2] if segments[:1] == ["console"] else segments)


def find_areas(router: APIRouter) -> frozenset[str]:
    """Return the areas of all routes but those whose beginning holds an id."""
    return frozenset(_fixed(getattr(route, "path", "{}") for route in router.routes))


def _fixed(paths: Iterable[str]) -> Iterable[str]:
    return (area for area in map(area_of, paths) if "{" not in area)
