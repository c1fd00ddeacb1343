"""Routes found by an index answer as they do without."""

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from web.route_index import index_routes

PATHS = (
    "/{any:path}/own/e",
    "/a/b/c",
    "/a/b/{c}",
    "/a/{b}/c",
    "/a/b",
    "/",
    "/a/b/c/{d}",
    "/a/b/{c}/{d}/e",
    "/files/{rest:path}",
    "/{a}/b/d",
    "/x/y/z/{d}/",
)
ASKED = (
    *("/a/b/c", "/a/b/d", "/a/x/c", "/a/b", "/", "/a/b/c/1", "/a/b/1/2/e", "/files", "/files/1", "/files/1/2/3/4"),
    *("/q/b/d", "/x/y/z/1", "/x/y/z/1/", "/a/b/", "/a/b/c/", "/nothing", "//a/b/c", "/a//c", "/under/1/2", "/under"),
    *("/a/b/%63", "/a/b/c%2F1", "/a/b/own/e", "/a/b/c/own/e", "/own/e"),
)


def made(*, indexed: bool) -> FastAPI:
    app = FastAPI()

    async def mounted(scope, receive, send):
        await PlainTextResponse(f"mounted {scope['path']}")(scope, receive, send)

    def add(path: str, method: str) -> None:
        @app.api_route(path, methods=[method], name=f"{method} {path}")
        def answer(request: Request) -> dict[str, str]:
            own = str(request.url_for("GET /a/b"))
            return {"route": path, "method": method, "own": own, **request.path_params}

    for path in PATHS:
        add(path, "GET")
    app.router.routes.insert(3, Mount("/under", app=mounted))
    add("/a/b/c", "POST")
    add("/a/b/{c}", "PUT")
    if indexed:
        index_routes(app.router)
    return app


@pytest.fixture(scope="module")
def clients() -> list[TestClient]:
    return [TestClient(made(indexed=indexed), follow_redirects=False) for indexed in (False, True)]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
def test_every_path_is_answered_as_without_the_index(clients: list[TestClient], method: str) -> None:
    for path in ASKED:
        plain, indexed = (client.request(method, path) for client in clients)
        assert (indexed.status_code, indexed.text) == (plain.status_code, plain.text), path
        assert indexed.headers.get("location") == plain.headers.get("location"), path
        assert indexed.headers.get("allow") == plain.headers.get("allow"), path
