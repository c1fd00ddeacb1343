"""One guard before every route: how large a request may be, how long it may take to arrive, how many at once.

It answers before anything of a body is read where the header tells already, counts what arrives where it does not, and
leaves a larger body only to those routes that look at who is calling before they read it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.client_address import address_of
from web.problems import MEDIA_TYPE, ProblemError

LargeBodyCheck = Callable[[Headers], ProblemError | None]
"""Says by a request's headers why its caller is nobody who may send a larger body; None when they may."""


class BodyTooLargeError(ProblemError):
    """The body is larger than any that this address takes."""

    code = "body_too_large"
    status = 413
    title = "The request is too large"


class HeaderTooLargeError(ProblemError):
    """The address or the headers of the request are too long."""

    code = "header_too_large"
    status = 431
    title = "The address or the headers of the request are too long"


class BodyTooSlowError(ProblemError):
    """The body did not arrive in time."""

    code = "body_too_slow"
    status = 408
    title = "The request did not arrive in time"


class TooManyAtOnceError(ProblemError):
    """Too many requests of one network address are under way."""

    code = "too_many_at_once"
    status = 429
    title = "Too many requests at once; wait until some are answered"


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How much a request may take; `larger` holds the limits of routes by the end of their path."""

    body_bytes_without_credentials: int = 65_536
    """A sign-in or a claim takes less than a thousand bytes, a channel's notification some thousands."""
    body_bytes: int = 262_144
    """The largest that any route but those in `larger` takes."""
    larger: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    header_bytes: int = 32_768
    body_s: float = 30.0
    min_bytes_per_s: int = 20_000
    """Bytes a second that a body must arrive with beside `body_s`: a photo over a poor mobile connection."""
    at_once: int = 128
    """Requests of one address under way: a dormitory behind one address, each answered within a tenth of a second."""


class RequestGuard:
    """ASGI middleware; problems it answers are those above."""

    def __init__(
        self,
        app: ASGIApp,
        limits: GuardLimits | None = None,
        check_large_body: LargeBodyCheck = lambda _headers: None,
    ) -> None:
        """Wrap `app`; `check_large_body` is asked before a body larger than those without credentials is read."""
        self._app = app
        self._check_large_body = check_large_body
        self._limits = limits or GuardLimits()
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = address_of(scope)
        limit = self._find_limit(scope)
        if refused := _find_long_header(scope, self._limits) or await self._find_refusal(scope, address, limit):
            await _answer(refused, scope, receive, send)
            return
        self._under_way[address] += 1
        try:
            await _Guarded(receive, send, limit, self._limits).run(self._app, scope)
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]

    def _find_limit(self, scope: Scope) -> int:
        names = {name for name, _ in scope["headers"]}
        if not names & {b"authorization", b"cookie"}:
            return self._limits.body_bytes_without_credentials
        return self._find_larger(scope) or self._limits.body_bytes

    def _find_larger(self, scope: Scope) -> int | None:
        path = scope["path"].rstrip("/")
        return next((most for end, most in self._limits.larger.items() if path.endswith(end)), None)

    async def _find_refusal(self, scope: Scope, address: str, limit: int) -> ProblemError | None:
        headers = scope["headers"]
        announced = dict(headers).get(b"content-length")
        size = int(announced[:20]) if announced is not None and announced.isdigit() else None
        is_chunked = any(name == b"transfer-encoding" for name, _ in headers)
        may_be_large = is_chunked or (size or 0) > self._limits.body_bytes_without_credentials
        if may_be_large and self._find_larger(scope):
            # In a thread: a device is looked up in the database.
            stranger = await run_in_threadpool(self._check_large_body, Headers(scope=scope))
            if stranger is not None:
                return stranger
        if size is not None and size > limit:
            return BodyTooLargeError(limit_bytes=limit)
        if self._under_way[address] >= self._limits.at_once:
            return TooManyAtOnceError(headers={"Retry-After": "1"}, retry_after_s=1)
        return None


def _find_long_header(scope: Scope, limits: GuardLimits) -> ProblemError | None:
    length = len(scope["raw_path"] or b"") + len(scope["query_string"])
    if length + sum(len(name) + len(value) for name, value in scope["headers"]) > limits.header_bytes:
        return HeaderTooLargeError(limit_bytes=limits.header_bytes)
    return None


class _Guarded:
    """One request under way."""

    def __init__(self, receive: Receive, send: Send, limit: int, limits: GuardLimits) -> None:
        self._receive, self._send = receive, send
        self._limit, self._limits = limit, limits
        self._began, self._got, self._whole = time.monotonic(), 0, False
        self._refused: ProblemError | None = None
        self._answered = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive_in_time, self._send_unless_refused)
        except Exception:
            if self._refused is None:
                raise
        if self._refused is not None and not self._answered:
            self._answered = True
            await _answer(self._refused, scope, self._receive, self._send)

    async def _receive_in_time(self) -> Message:
        if self._whole:
            return await self._receive()
        if self._refused is not None:
            return {"type": "http.disconnect"}
        left = self._limits.body_s + self._got / self._limits.min_bytes_per_s - (time.monotonic() - self._began)
        try:
            async with asyncio.timeout(max(left, 0.001)):
                message = await self._receive()
        except TimeoutError:
            self._refused = BodyTooSlowError()
            return {"type": "http.disconnect"}
        self._got += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._got > self._limit:
            self._refused = BodyTooLargeError(limit_bytes=self._limit)
            return {"type": "http.disconnect"}
        return message

    async def _send_unless_refused(self, message: Message) -> None:
        if self._refused is None:
            self._answered = True
            await self._send(message)


async def _answer(error: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    # What is left of the body is not read: the connection ends.
    headers = {**error.headers, "Connection": "close"}
    response = JSONResponse(error.body(), status_code=error.status, headers=headers, media_type=MEDIA_TYPE)
    await response(scope, receive, send)
