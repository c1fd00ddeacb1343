"""The guard before every route, in front of a real web server that raw sockets talk to."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.datastructures import Headers

from tests.waiting import until
from web import problems
from web.connections import BoundedConnection, make_bounded_connection
from web.rate_limits import TooManyTriesError
from web.request_guard import GuardLimits, RequestGuard

MANY = 8
LIMITS = GuardLimits(
    body_bytes_without_credentials=1_000,
    body_bytes=5_000,
    larger={"/large": 50_000},
    header_bytes=8_000,
    body_s=0.5,
    at_once=3,
)


def _admission(headers: Headers) -> problems.ProblemError | None:
    # Any problem will do for a stranger.
    return None if headers.get("authorization") == "Bearer x" else TooManyTriesError()


class Body(BaseModel):
    value: object = None


class Running:
    """The server, and what its route saw."""

    def __init__(self, port: int, kind: type[BoundedConnection]) -> None:
        self.port, self.kind = port, kind
        self.seen: list[int] = []
        self.hold, self.inside = threading.Event(), 0


@pytest.fixture
def running(unused_port: int) -> Iterator[Running]:
    kind = make_bounded_connection(header_s=0.5, max_connections=MANY)
    found = Running(unused_port, kind)
    app = FastAPI()
    problems.install(app)

    @app.post("/json")
    def _json(body: Body) -> dict[str, bool]:
        found.seen.append(len(str(body.value)))
        return {"taken": True}

    @app.post("/large")
    async def _large(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/wait")
    def _wait() -> dict[str, bool]:
        found.inside += 1
        found.hold.wait(20)
        return {"waited": True}

    app.add_middleware(RequestGuard, limits=LIMITS, check_large_body=_admission)
    server = uvicorn.Server(
        uvicorn.Config(app, port=unused_port, http=kind, ws="none", log_config=None, timeout_keep_alive=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield found
    found.hold.set()
    server.should_exit = True
    thread.join()


@contextmanager
def _connected(running: Running) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        yield connection


def _head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", *headers, "", "")).encode()


def _answer(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Read one answer until the connection ends or the body is whole."""
    got = b""
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:
            part = b""
        got += part
        head, _, body = got.partition(b"\r\n\r\n")
        try:
            return int(head.split(b" ")[1]), json.loads(body)
        except (IndexError, ValueError):
            assert part, got


@pytest.mark.parametrize(
    ("path", "headers", "most"),
    [
        ("/json", (), 1_000),
        ("/json", ("Authorization: Bearer x",), 5_000),
        ("/large", ("Authorization: Bearer x",), 50_000),
        ("/nowhere", (), 1_000),
    ],
)
def test_a_body_too_large_is_refused_before_it_is_sent(
    running: Running, path: str, headers: tuple[str, ...], most: int
) -> None:
    with _connected(running) as connection:
        connection.sendall(
            _head("POST", path, *headers, f"Content-Length: {most + 1}", "Content-Type: application/json")
        )
        status, body = _answer(connection)
        assert (status, body["code"], body["limit_bytes"]) == (413, "body_too_large", most)
        assert connection.recv(10) == b""


@pytest.mark.parametrize("size", ["Content-Length: 50000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("credentials", ["Authorization: Bearer of nobody", "Cookie: session=old"])
def test_a_stranger_is_told_so_before_a_large_body_is_read(running: Running, size: str, credentials: str) -> None:
    with _connected(running) as connection:
        connection.sendall(_head("POST", "/large", size, credentials))
        assert _answer(connection)[1]["code"] == "too_many_tries"


def test_a_body_without_a_length_is_counted(running: Running) -> None:
    with _connected(running) as connection:
        connection.sendall(_head("POST", "/json", "Transfer-Encoding: chunked", "Content-Type: application/json"))
        for _ in range(3):
            connection.sendall(b"190\r\n" + b" " * 0x190 + b"\r\n")
        assert _answer(connection)[1]["code"] == "body_too_large"
    assert running.seen == []


def test_a_body_within_the_limit_is_taken(running: Running) -> None:
    with _connected(running) as connection:
        connection.sendall(_head("POST", "/large", "Authorization: Bearer x", "Content-Length: 50000"))
        connection.sendall(b"x" * 50_000)
        assert _answer(connection) == (200, {"bytes": 50_000})


def test_a_body_that_does_not_come_is_not_waited_for(running: Running) -> None:
    with _connected(running) as connection:
        connection.sendall(_head("POST", "/json", "Content-Length: 100", "Content-Type: application/json") + b"{")
        status, body = _answer(connection)
        assert (status, body["code"]) == (408, "body_too_slow")


@pytest.mark.parametrize("sent", [b"", b"GET /json HTT", b"GET /json HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_a_header_that_does_not_come_is_not_waited_for(running: Running, sent: bytes) -> None:
    with _connected(running) as connection:
        connection.sendall(sent)
        assert connection.recv(10) == b""


def test_long_addresses_and_headers_are_refused(running: Running) -> None:
    for head in (
        _head("GET", "/json?" + "x" * 9_000),
        _head("GET", "/json", *(f"X-{n}: {'y' * 90}" for n in range(90))),
    ):
        with _connected(running) as connection:
            connection.sendall(head)
            assert _answer(connection)[1]["code"] == "header_too_large"


def test_one_address_has_only_so_many_requests_under_way(running: Running) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(_connected(running)) for _ in range(LIMITS.at_once)]
        for connection in waiting:
            connection.sendall(_head("GET", "/wait"))
        until(lambda: running.inside == LIMITS.at_once)
        with _connected(running) as one_more:
            one_more.sendall(_head("GET", "/wait"))
            status, body = _answer(one_more)
            assert (status, body["code"], body["retry_after_s"]) == (429, "too_many_at_once", 1)
        running.hold.set()
        assert [_answer(connection)[0] for connection in waiting] == [200] * LIMITS.at_once
    with _connected(running) as later:
        later.sendall(_head("GET", "/wait"))
        assert _answer(later)[0] == 200


def test_one_address_holds_only_so_many_connections(running: Running) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(_connected(running)).sendall(b"G")
        until(lambda: sum(running.kind.held.values()) == MANY)
        with _connected(running) as one_more, suppress(ConnectionResetError):
            assert one_more.recv(10) == b""
    until(lambda: not running.kind.held)


@pytest.mark.parametrize("body", ["[" * 400 + "]" * 400, "9" * 900, '{"value": ' + "[" * 400, "{" * 900])
def test_odd_json_is_an_answer_and_no_failure(running: Running, body: str) -> None:
    with _connected(running) as connection:
        length = f"Content-Length: {len(body)}"
        connection.sendall(_head("POST", "/json", length, "Content-Type: application/json") + body.encode())
        assert _answer(connection)[0] in {400, 422}
