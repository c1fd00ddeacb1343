"""Routers put together so that an app has one list of routes.

FastAPI's `include_router` keeps each router as a branch of its own: an app then builds every route of it once more, and
each request and each address that a page asks for goes through all levels of all branches, which for hundreds of routes
took longer than most answers.
"""

from collections.abc import Iterable
from inspect import signature

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

_OPTIONS = signature(APIRouter.add_api_route).parameters.keys() - {"self", "path", "endpoint", "tags"}


def gather(prefix: str, routers: Iterable[APIRouter], *, tags: Iterable[str] = ()) -> APIRouter:
    """Return a router with the routes of all `routers`, in their order, below `prefix` and with `tags` before theirs.

    Raises:
        TypeError: a route is not one of FastAPI's own.
    """
    gathered = APIRouter(prefix=prefix)
    for route in (route for router in routers for route in router.routes):
        if not isinstance(route, APIRoute):
            raise TypeError(f"{route} cannot be put below {prefix}")
        options = {name: getattr(route, name) for name in _OPTIONS if hasattr(route, name)}
        gathered.add_api_route(route.path, route.endpoint, tags=[*tags, *route.tags], **options)
    return gathered


def add_routes(app: FastAPI, *routers: APIRouter) -> None:
    """Add the routes of `routers` to an app, as they are."""
    for router in routers:
        app.router.routes.extend(router.routes)
