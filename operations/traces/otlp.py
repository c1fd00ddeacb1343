"""Spans to a collector by OTLP over HTTP (opentelemetry.io/docs/specs/otlp, 1.10): protobuf, compressed, in batches.

A collector that is away or slow holds nothing up: what it does not take in time is counted and forgotten.
"""

import gzip
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

import httpx
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from messages import Event
from operations.traces.spans import Attribute, Span, is_traced, make_spans

_log = structlog.get_logger()

_AGAIN = frozenset({429, 502, 503, 504})
"""Answers after which the specification wants the same batch once more; after others it is dropped."""
_TRIES = 3
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_TIMEOUT_S = 10.0
_GATHER_S = 1.0
_BATCH = 512
"""Spans a request, as the exporters of OpenTelemetry have it."""
_MOST_WAITING = 20_000
"""Some four thousand passages; 10 MB."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TraceExporter:
    """Sends the spans of stored events to one collector, in a thread of its own."""

    def __init__(
        self,
        endpoint: str,
        *,
        share: float = 1.0,
        token: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause_s: float = _PAUSE_S,
    ) -> None:
        """`endpoint` is the collector's address without `/v1/traces`; `share` (0 to 1) of passages is traced."""
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT_S)
        self._url = f"{endpoint.rstrip('/')}/v1/traces"
        self._share = share
        self._now = now
        self._pause_s = pause_s
        self._waiting: queue.Queue[Span] = queue.Queue(_MOST_WAITING)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self.sent = self.dropped = 0
        """Spans that the collector took, and those it did not."""

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, each batch once, and end."""
        self._stopping.set()
        self._thread.join()
        self._client.close()

    def observe(self, events: Sequence[Event]) -> None:
        """Take the spans of events that were stored just now; returns at once."""
        stored = self._now()
        for event in events:
            if not is_traced(event, self._share):
                continue
            for span in make_spans(event, stored):
                try:
                    self._waiting.put_nowait(span)
                except queue.Full:
                    self.dropped += 1

    def _run(self) -> None:
        while not self._stopping.wait(_GATHER_S):
            self._send_waiting()
        self._send_waiting()

    def _send_waiting(self) -> None:
        while batch := self._next_batch():
            if self._send(encode(batch)):
                self.sent += len(batch)
            else:
                self.dropped += len(batch)
                _log.warning("spans_dropped", number=len(batch), dropped=self.dropped)

    def _next_batch(self) -> list[Span]:
        batch: list[Span] = []
        while len(batch) < _BATCH and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        return batch

    def _send(self, body: bytes) -> bool:
        """Send a request, again where the collector wants that; return whether it was taken."""
        pause_s = self._pause_s
        for attempt in range(_TRIES):
            if attempt and self._stopping.wait(pause_s):
                return False
            try:
                answer = self._client.post(self._url, content=body)
            except httpx.HTTPError as error:
                _log.info("collector_silent", error=type(error).__name__)
                pause_s *= 2
                continue
            if answer.is_success:
                _report_partial(answer)
                return True
            if answer.status_code not in _AGAIN:
                _log.warning("collector_refuses_spans", status=answer.status_code)
                return False
            pause_s = _pause_asked_for(answer, pause_s * 2)
        return False


def encode(spans: Iterable[Span]) -> bytes:
    """Return the request that tells of `spans`, compressed."""
    request = ExportTraceServiceRequest()
    by_process = sorted(spans, key=_process_of)
    for (process, gate), of_process in groupby(by_process, key=_process_of):
        of_whom = {"service.namespace": "campusgate", "service.name": process, "campusgate.gate": gate}
        group = request.resource_spans.add(resource=Resource(attributes=_attributes(of_whom)))
        scope = group.scope_spans.add(scope=InstrumentationScope(name="campusgate.passages"))
        scope.spans.extend(_encode_span(span) for span in of_process)
    return gzip.compress(request.SerializeToString(), compresslevel=1)


def _process_of(span: Span) -> tuple[str, str]:
    return span.process, span.gate


def _encode_span(span: Span) -> trace_pb2.Span:
    encoded = trace_pb2.Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_id or b"",
        name=span.name,
        kind=trace_pb2.Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=_nanoseconds(span.begun),
        end_time_unix_nano=_nanoseconds(span.ended),
        attributes=_attributes(span.attributes),
    )
    if span.failed is not None:
        encoded.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        encoded.status.message = span.failed
    return encoded


def _attributes(values: Mapping[str, Attribute]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Attribute) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)


def _nanoseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def _pause_asked_for(answer: httpx.Response, otherwise: float) -> float:
    try:
        asked = float(answer.headers.get("Retry-After", ""))
    except ValueError:  # none, or a date
        asked = otherwise
    return min(max(asked, 0.0), _LONGEST_PAUSE_S)


def _report_partial(answer: httpx.Response) -> None:
    """Log what a collector that took a request left out of it; whatever else it may answer is of no interest."""
    try:
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    except Exception:  # noqa: BLE001 - a collector may answer in JSON, or nothing that can be read
        return
    if partial.rejected_spans:
        _log.warning("spans_rejected", number=partial.rejected_spans)
