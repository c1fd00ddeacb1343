"""A payment provider in a process of its own: it answers HTTP, and does what a test tells it through a pipe."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any, Protocol

HttpAnswer = tuple[int, Mapping[str, str], bytes]
"""Status, headers, body."""


class Provider(Protocol):
    """Answers requests; `lost` answers are not sent, the others after `late_s`."""

    now: datetime
    lost: int
    late_s: float
    encoding: str

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: str) -> HttpAnswer: ...

    def introduce(self) -> Any:
        """What the test needs to know of it, as its keys."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, provider: Provider, lock: threading.Lock, *given: Any) -> None:
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


def serve(pipe: Connection, make: Callable[[datetime], Provider]) -> None:
    """Run a provider and do what comes by the pipe, until that is closed."""
    provider, lock = make(pipe.recv()), threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, provider, lock))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send((server.server_port, provider.introduce()))
    while True:
        try:
            name, now, given, named = pipe.recv()
        except EOFError:
            return
        with lock:
            provider.now = now
            if name == "set":
                vars(provider).update(named)
                pipe.send(None)
            elif name == "get":
                pipe.send(getattr(provider, given[0]))
            else:
                pipe.send(getattr(provider, name)(*given, **named))


class ProviderProcess:
    """The test's end of the pipe."""

    clock: Callable[[], datetime]

    def __init__(self, pipe: Connection, now: datetime) -> None:
        self._pipe = pipe
        pipe.send(now)
        self.port, self.introduction = pipe.recv()

    def do(self, name: str, *given: Any, **named: Any) -> Any:
        """Have the provider do something at the test's time."""
        self._pipe.send((name, self.clock(), given, named))
        return self._pipe.recv()

    def set(self, **values: Any) -> None:
        self.do("set", **values)

    def keep_time(self) -> None:
        self.set()

    def lose_answers(self, count: int) -> None:
        self.set(lost=count)
