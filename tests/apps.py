"""Apps that are lent to one test after the other: what one works out at its first request takes a tenth of a second."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, FastAPI

from web import problems


class LentApps:
    """Apps with one router each, and with problems for errors. What a test puts into `app.state` goes with the test."""

    def __init__(self) -> None:
        self._free: dict[int, list[FastAPI]] = {}

    @contextmanager
    def lend(self, router: APIRouter) -> Iterator[FastAPI]:
        """Lend an app that nobody else has; two at a time are two apps."""
        free = self._free.setdefault(id(router), [])
        app = free.pop() if free else _made(router)
        try:
            yield app
        finally:
            app.state._state.clear()
            free.append(app)


def _made(router: APIRouter) -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    problems.install(app)
    return app
