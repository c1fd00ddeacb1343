"""A line between two peers of SIP2 that breaks, damages and rewrites frames as it is told."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

FAULTS = ("none", "no_question", "no_answer", "damaged_question", "damaged_answer", "crlf")


class FaultyLine:
    """Listens, and hands on frame by frame. `fault` is of the frames of `code`, once for each connection."""

    def __init__(self, port: int) -> None:
        self.fault, self.code = "none", b"37"
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as server, contextlib.suppress(OSError):
            asked, answered = client.makefile("rb"), server.makefile("rb")
            is_done = False
            while frame := _read(asked):
                hits = not is_done and frame.startswith(self.code)
                is_done = is_done or hits
                fault = self.fault if hits else "none"
                if fault == "no_question":
                    return
                server.sendall(_damage(frame) if fault == "damaged_question" else frame)
                answer = _read(answered)
                if fault == "no_answer":
                    return
                if fault == "crlf":
                    answer += b"\n"
                client.sendall(_damage(answer) if fault == "damaged_answer" else answer)


def _read(file: "socket.SocketIO") -> bytes:
    frame = b""
    while (byte := file.read(1)) and byte != b"\r":
        frame += byte.strip(b"\n")
    return frame + byte


def _damage(frame: bytes) -> bytes:
    middle = len(frame) // 2
    return frame[:middle] + bytes([frame[middle] ^ 1]) + frame[middle + 1 :]


@contextmanager
def faulty_line(port: int) -> Iterator[FaultyLine]:
    """A line to whoever listens at `port`."""
    line = FaultyLine(port)
    try:
        yield line
    finally:
        line.close()


@contextmanager
def answering(said: str) -> Iterator[int]:
    """A port at which every question of one connection is answered with the same frame."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while connection.recv(4096):
                    connection.sendall(f"{said}\r".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
