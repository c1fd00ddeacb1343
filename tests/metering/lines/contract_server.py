"""A small server that speaks the reader's contract over real HTTP, and fails in the ways that servers fail."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from pydantic import BaseModel

from metering.reader_contract import (
    LineStatus,
    MeterOrderOut,
    MeterStatus,
    OrderOutcome,
    OrderResult,
    OrdersOut,
    Plan,
    ReadingIn,
    ReadingsIn,
    ReadingsOut,
    StatusIn,
)

TOKEN = "a-device-token"


class ContractServer(ThreadingHTTPServer):
    """Keeps what it is told. `failing` is the status with which it answers instead; `loses_answers`: after storing."""

    daemon_threads = True

    def __init__(self, plan: Plan, port: int = 0) -> None:
        self.plan = plan
        self.readings: list[ReadingIn] = []
        self.keys: set[tuple[UUID, float, str]] = set()
        self.repeated = 0
        self.batches: list[int] = []
        self.results: list[tuple[UUID, OrderResult]] = []
        self.lines: list[LineStatus] = []
        self.meters: list[MeterStatus] = []
        self.waiting: dict[UUID, MeterOrderOut] = {}
        self.failing: int | None = None
        self.refused = 0
        """Requests that were answered with `failing`."""
        self.loses_answers = False
        self.minds: UUID | None = None
        """The meter of which no reading is taken."""
        self.plans_fetched = 0
        self.lock = threading.Lock()
        self.order_given = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def give(self, order: MeterOrderOut) -> None:
        self.waiting[order.id] = order
        self.order_given.set()

    def outcomes_of(self, order: UUID) -> list[str]:
        return [result.outcome.value for of, result in self.results if of == order]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no failure of a test."""


class _Handler(BaseHTTPRequestHandler):
    server: ContractServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if not self._may_go_on():
            return
        if address.path == "/api/v1/meter-reader/plan":
            self.server.plans_fetched += 1
            self._answer(self.server.plan)
        elif address.path == "/api/v1/meter-reader/orders":
            if not self.server.waiting:
                self.server.order_given.wait(min(float(parse_qs(address.query)["wait_s"][0]), 0.5))
                self.server.order_given.clear()
            self._answer(OrdersOut(orders=tuple(self.server.waiting.values())))
        else:
            self._problem(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._may_go_on():
            return
        path = urlsplit(self.path).path.removeprefix("/api/v1/meter-reader/")
        if path == "readings":
            self._take_readings(ReadingsIn.model_validate_json(body))
        elif path == "status":
            status = StatusIn.model_validate_json(body)
            self.server.lines += status.lines
            self.server.meters += status.meters
            self._answer(None)
        elif path.startswith("orders/") and path.endswith("/result"):
            self._take_result(UUID(path.split("/")[1]), OrderResult.model_validate_json(body))
        else:
            self._problem(404)

    def _take_readings(self, sent: ReadingsIn) -> None:
        server = self.server
        if any(one.meter == server.minds for one in sent.readings):
            self._problem(422)
            return
        with server.lock:
            server.batches.append(len(sent.readings))
            for one in sent.readings:
                key = (one.meter, one.at.timestamp(), one.source.value)
                server.repeated += key in server.keys
                if key not in server.keys:
                    server.keys.add(key)
                    server.readings.append(one)
        if server.loses_answers:
            self._problem(503)
            return
        self._answer(ReadingsOut(stored=len(sent.readings), unchanged=0, in_review=0))

    def _take_result(self, order: UUID, result: OrderResult) -> None:
        if order not in self.server.waiting:
            self._problem(404)
            return
        self.server.results.append((order, result))
        if result.outcome is not OrderOutcome.SENT:
            del self.server.waiting[order]
        self._answer(None)

    def _may_go_on(self) -> bool:
        if self.server.failing is not None:
            self.server.refused += 1
            self._problem(self.server.failing)
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._problem(401)
        else:
            return True
        return False

    def _answer(self, body: BaseModel | None) -> None:
        content = b"" if body is None else body.model_dump_json().encode()
        self.send_response(200 if content else 204)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _problem(self, status: int) -> None:
        content = json.dumps({"code": "made_to_fail", "status": status}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
