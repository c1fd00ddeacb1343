"""The traces of passages, where a collector is set for them."""

from typing import TYPE_CHECKING

from campusgate.settings.tracing import TracingSettings
from operations.ingest import Ingest

if TYPE_CHECKING:
    from operations.traces.otlp import TraceExporter


def make_traces(settings: TracingSettings, ingest: Ingest) -> "TraceExporter | None":
    """Return what traces the events that `ingest` stores from now on; None where no collector is set."""
    if settings.endpoint is None:
        return None
    from operations.traces.otlp import TraceExporter  # its messages are 12 MB that few servers need

    token = None if settings.token is None else settings.token.get_secret_value()
    traces = TraceExporter(settings.endpoint, share=settings.share, token=token)
    ingest.on_stored.append(traces.observe)
    return traces
