"""Routers put together so that an app has one list of routes.

FastAPI's `include_router` keeps each router as a branch of its own: an app then builds every route of it once more, and
each request and each address that a page asks for goes through all levels of all branches, which for hundreds of routes
took longer than most answers.
"""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI


def join(routers: Iterable[APIRouter]) -> APIRouter:
    """Return a router with the routes of all `routers`, in their order and as they are.

    Each router has its whole prefix itself: to put it below one later would build its routes a second time, a tenth of
    what it takes to import a server.
    """
    joined = APIRouter()
    for router in routers:
        joined.routes.extend(router.routes)
    return joined


def add_routes(app: FastAPI, *routers: APIRouter) -> None:
    """Add the routes of `routers` to an app, as they are."""
    for router in routers:
        app.router.routes.extend(router.routes)
