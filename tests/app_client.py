"""A client of an app in this process, for answers that end."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote

import anyio
import httpx
from anyio.from_thread import BlockingPortal
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope

Portals = Callable[[], AbstractContextManager[BlockingPortal]]


class AppClient(TestClient):
    """As Starlette's, but asks the app's event loop once for a request rather than nine times.

    Each time wakes two threads, which takes longer than most answers. What the app streams is there when it has ended.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        raise_server_exceptions: bool = True,
        client: tuple[str, int] = ("testclient", 50000),
        **options: Any,
    ) -> None:
        super().__init__(app, raise_server_exceptions=raise_server_exceptions, client=client, **options)
        self._transport = _Whole(self.app, self._portal_factory, client, self.app_state, raise_server_exceptions)


class _Whole(httpx.BaseTransport):
    def __init__(
        self, app: ASGIApp, portals: Portals, client: tuple[str, int], state: dict[str, Any], raises: bool
    ) -> None:
        self._app, self._portals, self._client, self._state, self._raises = app, portals, client, state, raises

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(url.path),
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "root_path": "",
            "scheme": url.scheme,
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": self._client,
            "server": [url.host, url.port or {"http": 80, "https": 443}[url.scheme]],
            "state": self._state.copy(),
        }
        exchange = _Exchange(request.read())
        with self._portals() as portal:
            try:
                portal.call(self._app, scope, exchange.receive, exchange.send)
            except Exception:
                if self._raises:
                    raise
        if exchange.status is None:
            assert not self._raises, "the app did not answer"
            return httpx.Response(500, request=request)
        body = b"" if request.method == "HEAD" else bytes(exchange.body)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=httpx.ByteStream(body), request=request)


class _Exchange:
    """One request's body, and what the app answers."""

    def __init__(self, asked: bytes) -> None:
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self._asked: bytes | None = asked
        self._ended: anyio.Event | None = None
        self._is_over = False

    async def receive(self) -> Message:
        if self._asked is not None:
            body, self._asked = self._asked, None
            return {"type": "http.request", "body": body}
        # As a connection that stays until the answer is there.
        if not self._is_over:
            self._ended = self._ended or anyio.Event()
            await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
            return
        assert self.status is not None, "a body before the answer began"
        assert not self._is_over, "a body after the answer ended"
        self.body += message.get("body", b"")
        if not message.get("more_body", False):
            self._is_over = True
            if self._ended is not None:
                self._ended.set()
