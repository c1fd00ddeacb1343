"""A server that says what it is told to, for what no provider that works would say."""

import contextlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event


class Speaker(ThreadingHTTPServer):
    """Answers what it is told to, whatever is asked; `drips` a byte at a time, until `released`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, b"")
        self.drips = False
        self.released = Event()
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Speaker

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, content = self.server.answer
        self.send_response(status)
        self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()
        with contextlib.suppress(OSError):
            while self.server.drips and not self.server.released.wait(0.01):
                self.wfile.write(b" ")
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
