"""Whose address a request has, where proxies stand in front: only the ones that are named are believed."""

from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

log = structlog.get_logger()


class ForwardedAddress:
    """Takes the client's address from `X-Forwarded-For` when the request comes from a trusted proxy.

    Of several, the last one that no trusted proxy has is taken: what a client writes itself stands before it. A header
    from elsewhere is not believed, and logged once, since then everybody has the proxy's address.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        """Take the addresses and networks of proxies."""
        self._app = app
        self._behind: ASGIApp = ProxyHeadersMiddleware(app, trusted_hosts=list(trusted))  # type: ignore[assignment, arg-type]
        self._has_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and not self._has_warned and "x-forwarded-for" in Headers(scope=scope):
            before = scope.get("client")
            await self._behind(scope, receive, send)
            if scope.get("client") == before:
                self._has_warned = True
                log.warning("forwarded_for_ignored", mend="CAMPUSGATE_TRUSTED_PROXIES names the proxies in front")
            return
        await self._behind(scope, receive, send)
