"""A provider's HTTP: one request after the other, answers that get lost or are late where somebody wants that."""

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

HttpAnswer = tuple[int, Mapping[str, str], bytes]
"""Status, headers, body."""
_LOOKS_EVERY_S = 0.1
"""How often it looks whether it is to stop."""


class WireError(Exception):
    """The campus does not say what the wire format wants; the request gets no answer."""


def require(holds: bool, what: str) -> None:
    """Insist on something that every request must hold to.

    Raises:
        WireError: it does not.
    """
    if not holds:
        raise WireError(what)


class Answering(Protocol):
    """Answers requests; `lost` answers are not sent, the others after `late_s`."""

    lost: int
    late_s: float

    @property
    def encoding(self) -> str:
        """What the bodies of requests are in."""
        ...

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        """Answer a request."""
        ...


class Provider(Answering, Protocol):
    """A payment provider at the time `now`."""

    now: datetime

    def introduce(self) -> Any:
        """Return what the campus is given by its contract, as its keys."""
        ...


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, provider: Answering, lock: threading.Lock, *given: Any) -> None:
        self._provider, self._lock = provider, lock
        super().__init__(*given)

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        provider = self._provider
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(provider.encoding)
        with self._lock:
            status, headers, content = provider.respond(method, self.path, dict(self.headers), body)
            is_lost, late_s = provider.lost > 0, provider.late_s
            provider.lost = max(0, provider.lost - 1)
        time.sleep(late_s)
        if is_lost:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def open_server(provider: Answering, lock: threading.Lock, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """Let a provider answer in threads of its own; `lock` is held while it does, and by whoever else asks it."""
    server = ThreadingHTTPServer((host, 0), partial(_Handler, provider, lock))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(_LOOKS_EVERY_S,), daemon=True).start()
    return server
