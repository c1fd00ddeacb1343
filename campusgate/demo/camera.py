"""A network camera made of software: it serves whatever film is played as MJPEG over HTTP, as IP cameras do."""

import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import cv2

from campusgate.demo.scenes import FRAMES_PER_SECOND, Image, corridor

Film = Sequence[bytes]
"""Pictures as JPEG, one after the other."""

_BOUNDARY = "frame"
_IDLE_FRAMES = 40


def develop(frames: Iterable[Image]) -> Film:
    """Return RGB frames as a film."""
    return [_encode(frame) for frame in frames]


class FilmCamera:
    """Serves `url` for as long as it is entered; `play` shows a film and returns at its end."""

    def __init__(self) -> None:
        """Show the empty corridor until something is played."""
        self._changed = threading.Condition()
        self._jpeg = b""
        self._number = 0
        self._stopping = threading.Event()
        self._film_lock = threading.Lock()
        self._film: Iterator[bytes] | None = None
        self._film_over = threading.Event()
        # A real sensor never sends the same picture twice; a frozen one is a fault that the edge reports.
        self._idle = develop(corridor(seed) for seed in range(_IDLE_FRAMES))
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is given by http.server
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                try:
                    for jpeg in camera._frames():
                        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                except OSError:
                    return

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - given by http.server
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/gate.mjpg"

    def __enter__(self) -> Self:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, name="film-camera-http", daemon=True).start()
        threading.Thread(target=self._run, name="film-camera", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving; viewers are disconnected."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def play(self, film: Film) -> None:
        """Show a film at its frame rate, and return when its last frame was shown."""
        with self._film_lock:
            self._film_over.clear()
            self._film = iter(film)
            while not self._film_over.wait(0.1):
                if self._stopping.is_set():
                    return

    def _run(self) -> None:
        idle = itertools.cycle(self._idle)
        due = time.monotonic()
        while not self._stopping.is_set():
            jpeg = next(self._film, None) if self._film is not None else None
            if jpeg is None and self._film is not None:
                self._film = None
                self._film_over.set()
            with self._changed:
                self._jpeg = jpeg or next(idle)
                self._number += 1
                self._changed.notify_all()
            due = max(due + 1 / FRAMES_PER_SECOND, time.monotonic())
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _frames(self) -> Iterator[bytes]:
        seen = 0
        while not self._stopping.is_set():
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._number != seen or self._stopping.is_set())  # type: ignore[misc]
                seen, jpeg = self._number, self._jpeg
            yield jpeg


def _encode(frame: Image) -> bytes:
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
