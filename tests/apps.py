"""Apps that are lent to one test after the other: what one works out at its first request takes a tenth of a second."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from anyio.from_thread import BlockingPortal
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from tests.app_client import AppClient
from web import problems
from web.routes import add_routes


class LentApps:
    """Apps with the routers given and with problems for errors. What a test puts into `app.state` goes with it."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal
        self._free: dict[tuple[int, ...], list[FastAPI]] = {}

    @contextmanager
    def lend(self, *routers: APIRouter) -> Iterator[FastAPI]:
        """Lend an app that nobody else has; two at a time are two apps."""
        free = self._free.setdefault(tuple(map(id, routers)), [])
        app = free.pop() if free else _made(routers)
        try:
            yield app
        finally:
            app.state._state.clear()
            free.append(app)

    @contextmanager
    def ask(self, app: FastAPI, **options: Any) -> Iterator[TestClient]:
        """Return a client of an app without a lifespan. It makes no event loop of its own for each request."""
        with closing(AppClient(app, **options)) as client:
            client.portal = self._portal
            yield client


def _made(routers: Iterable[APIRouter]) -> FastAPI:
    app = FastAPI()
    add_routes(app, *routers)
    problems.install(app)
    return app
