"""Traces of passages at a collector: another program that takes OTLP over HTTP, well, busy, broken, away or hung."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from database import new_id
from messages import EventKind
from operations.board import Board
from operations.ingest import Ingest
from operations.traces import otlp
from operations.traces.otlp import TraceExporter
from tests.operations.traces.test_spans import COMMAND, event, of_controller, of_edge
from tests.waiting import PATIENCE_S, until


class Collector(ThreadingHTTPServer):
    """Takes what it is sent, after the answers that were laid out for it: a status and its headers each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.taken: list[ExportTraceServiceRequest] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> list[tuple[str, str]]:
        """The service and the name of each span."""
        return [
            (next(one.value.string_value for one in group.resource.attributes if one.key == "service.name"), span.name)
            for request in list(self.taken)
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers)))
        status, headers, answer = self.server.answers.pop(0) if self.server.answers else (200, {}, b"")
        if status == 200:
            self.server.taken.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(answer))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


@pytest.fixture
def exporter(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[TraceExporter]:
    monkeypatch.setattr(otlp, "_GATHER_S", 0.02)
    exporter = TraceExporter(f"{collector.url}/", token="let-me-in", pause_s=0.02)
    exporter.start()
    yield exporter
    exporter.stop()


@pytest.fixture
def ingest(broker, connect, database) -> Iterator[Ingest]:
    ingest = Ingest(connect(broker, "server"), "main", database, Board())
    ingest.start()
    yield ingest
    ingest.stop()


@pytest.fixture
def gate(broker, connect):
    return connect(broker, "gate")


@pytest.mark.databases("sqlite")
@pytest.mark.brokers("embedded")
def test_a_passage_that_a_server_stores_is_at_the_collector(
    collector: Collector, exporter: TraceExporter, ingest: Ingest, gate
) -> None:
    ingest.on_stored.append(exporter.observe)
    for one in (of_controller(), of_edge(), event(EventKind.DOOR_FORCED)):
        gate.publish("campusgate/main/gates/north/events", one.encode(), wait_s=PATIENCE_S)
    until(lambda: len(collector.spans) == 8)
    assert sorted(collector.spans) == [
        ("controller", "control"),
        ("edge", "acknowledge"),
        ("edge", "decide"),
        ("edge", "energise"),
        ("edge", "passage"),
        ("edge", "send"),
        ("server", "store access_granted"),
        ("server", "store face_granted"),
    ]
    path, headers = collector.requests[0]
    assert (path, headers["Content-Type"], headers["Authorization"]) == (
        "/v1/traces",
        "application/x-protobuf",
        "Bearer let-me-in",
    )
    groups = [group for one in collector.taken for group in one.resource_spans]
    spans = [span for group in groups for span in group.scope_spans[0].spans]
    assert {span.trace_id for span in spans} == {COMMAND.bytes}
    (root,) = [span for span in spans if not span.parent_span_id]
    assert (root.end_time_unix_nano - root.start_time_unix_nano) == 35_000_000
    said = {one.key: one.value for one in root.attributes}
    assert said["campusgate.granted"].bool_value is True
    assert said["campusgate.reason"].string_value == "granted"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_collector_is_asked_again(collector: Collector, exporter: TraceExporter, status: int) -> None:
    collector.answers = [(status, {"Retry-After": "0"}, b""), (status, {}, b"later")]
    exporter.observe([of_controller()])
    until(lambda: exporter.sent == 2)
    assert (len(collector.requests), exporter.dropped) == (3, 0)


def test_what_a_collector_refuses_is_counted_and_the_next_is_sent(
    collector: Collector, exporter: TraceExporter
) -> None:
    collector.answers = [(400, {}, b"no")]
    exporter.observe([of_controller()])
    until(lambda: exporter.dropped == 2)
    exporter.observe([of_controller(command_id=new_id())])
    until(lambda: exporter.sent == 2)
    assert len(collector.requests) == 2


@pytest.mark.parametrize("answer", [b"", b"{}", b"\xff\xff", "partial"])
def test_whatever_a_collector_says_beside_yes_is_taken(
    collector: Collector, exporter: TraceExporter, answer: bytes | str
) -> None:
    if answer == "partial":
        said = ExportTraceServiceResponse()
        said.partial_success.rejected_spans = 1
        answer = said.SerializeToString()
    collector.answers = [(200, {}, answer)]
    exporter.observe([of_controller()])
    until(lambda: exporter.sent == 2)


def test_a_collector_that_is_away_costs_spans_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "_GATHER_S", 0.02)
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and listening to nobody
        exporter = TraceExporter(f"http://127.0.0.1:{nobody.getsockname()[1]}", pause_s=0.02)
        exporter.start()
        exporter.observe([of_controller()])
        until(lambda: exporter.dropped == 2)
        exporter.stop()


def test_behind_a_collector_that_hangs_no_more_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "_GATHER_S", 0.02)
    monkeypatch.setattr(otlp, "_MOST_WAITING", 10)
    monkeypatch.setattr(otlp, "_TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as hung:
        exporter = TraceExporter(f"http://127.0.0.1:{hung.getsockname()[1]}", pause_s=0.02)
        exporter.start()
        for _ in range(200):
            exporter.observe([of_controller(command_id=new_id())])
        assert exporter.dropped >= 200
        exporter.stop()
    assert exporter.sent == 0
