"""Every route, and who gets past its door."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute
from httpx import Response
from starlette.routing import BaseRoute

from database import new_id
from tests.campusgate.staffed import Staffed

NOT_LET_IN = {"not_signed_in", "role_required", "not_a_device", "device_role_required", "wrong_gate"}


def routes(staffed: Staffed) -> list[str]:
    """Return `METHOD /path` of every route but the live streams, which do not end: `tests/console/test_stream.py`."""
    return sorted(
        f"{method} {found.path}"
        for found in contexts(staffed.client.app.routes)
        for method in found.methods - {"HEAD"}
        if not found.path.endswith("/stream")
    )


def call(staffed: Staffed, route: str, who: str) -> Response:
    """Call a route as `who`, with ids that nothing has and a body that nothing takes."""
    method, path = route.split(" ", 1)
    path = path.replace("{gate}", "north").replace("{zone}", "campus").replace("{day}", "2020-01-01")
    path = (
        path.replace("{purpose}", "portal")
        .replace("{channel}", "wechat")
        .replace("{service}", "internet" if "/network/" in path else "canteen")
    )
    path = re.sub(r"\{sequence\}", "1", path)
    path = re.sub(r"\{[a-z_]+\}", lambda _: str(new_id()), path)
    body = {} if method in {"POST", "PUT", "PATCH"} else None
    return staffed.client.request(method, path, json=body, headers=staffed.headers(who))


def is_let_in(answer: Response) -> bool:
    """Tell whether who called may call it at all: what they asked for may still be nonsense."""
    if answer.status_code == 401:
        return False
    if answer.headers.get("location", "").startswith("/console/sign-in"):
        return False
    if answer.status_code != 403:
        return True
    problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    return problem and answer.json()["code"] not in NOT_LET_IN


def contexts(found: list[BaseRoute]) -> Iterator[Any]:
    """Return every route with its whole path, methods and dependencies."""
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "effective_route_contexts"):
            yield from route.effective_route_contexts()


def allowed(staffed: Staffed, route: str, who: str) -> bool:
    """Call and judge; no route fails, whoever calls it."""
    answer = call(staffed, route, who)
    assert answer.status_code != 500, f"{route} as {who}"
    return is_let_in(answer)
