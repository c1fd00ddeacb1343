"""From the events of a passage to the spans of its trace.

Gates send their events anyway, with the milliseconds of each step by one clock that does not jump; so a trace costs
them nothing, needs no library there, and is whole after an outage too. Every id follows from what the events hold: an
event that comes twice, or at another server, is the same span again.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from messages import CommandEffect, Event, EventKind, Method

_DECISIONS = frozenset(
    {EventKind.FACE_GRANTED, EventKind.FACE_REFUSED, EventKind.SPOOF, EventKind.ACCESS_GRANTED, EventKind.ACCESS_DENIED}
)
_PASSAGE = _DECISIONS | {EventKind.PASSED, EventKind.NOT_TAKEN, EventKind.CLOSED, EventKind.RELOCKED}
_FAILED = frozenset({CommandEffect.NO_ANSWER.value, CommandEffect.UNREACHABLE.value})
_COPIED = ("frames", "model", "latency_to")
"""Details of an event that say how a step went, and nothing about who somebody is."""

Attribute = str | bool | int | float


@dataclass(frozen=True, slots=True)
class Span:
    """A step, `process` (`edge`, `controller`, `server`) says whose; ids as OpenTelemetry has them, 16 and 8 bytes."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None
    name: str
    process: str
    gate: str
    begun: datetime
    ended: datetime
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    failed: str | None = None
    """Why, where nothing was decided but something did not work."""


def is_traced(event: Event, share: float) -> bool:
    """Tell whether an event belongs to a passage, and that to the `share` (0 to 1) of passages that are traced."""
    stands_alone = event.command_id is None and event.tap_id is None
    if event.kind not in _PASSAGE or (stands_alone and event.kind not in _DECISIONS):
        return False
    drawn = hashlib.sha256(b"share" + _trace_id(event)).digest()[:8]
    return int.from_bytes(drawn, "big") < share * 2**64


def make_spans(event: Event, stored: datetime) -> Iterator[Span]:
    """Yield the spans that an event of a passage tells of, `stored` being when the server had it on its disk."""
    timeline = _Timeline(event)
    if event.kind in _DECISIONS:
        yield from _of_edge(event, timeline) if event.source == "edge" else _of_controller(event, timeline)
    yield timeline.span(f"store {event.kind}", event.at, max(stored, event.at), process="server")


class _Timeline:
    """Makes the spans of one event."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._trace_id = _trace_id(event)
        self._root_id = _digest(self._trace_id, "passage")

    def root(self, begun: datetime, ended: datetime) -> Span:
        """Return the whole of a passage, of which every other span is a part."""
        event = self._event
        found: dict[str, Attribute | None] = {
            # Of the process, too; but not every collector shows what belongs to a process.
            "campusgate.gate": event.gate,
            "campusgate.granted": event.granted,
            "campusgate.method": None if event.method is None else event.method.value,
            "campusgate.reason": event.reason,
            "campusgate.historical": event.historical,
            **{f"campusgate.{name}": event.details.get(name) for name in _COPIED},
        }
        return Span(
            self._trace_id,
            self._root_id,
            None,
            "passage",
            event.source,
            event.gate,
            begun,
            ended,
            {name: value for name, value in found.items() if value is not None},
            failed=event.reason if event.reason in _FAILED else None,
        )

    def span(self, name: str, begun: datetime, ended: datetime, *, process: str | None = None) -> Span:
        """Return a part of the passage."""
        event = self._event
        span_id = _digest(event.id.bytes, name)
        attributes = {"campusgate.event_id": str(event.id)}
        process = process or event.source
        return Span(self._trace_id, span_id, self._root_id, name, process, event.gate, begun, ended, attributes)


def _of_edge(event: Event, timeline: _Timeline) -> Iterator[Span]:
    """Yield the steps of a face: the frame that settled the vote → decided → sent → relay → acknowledged."""
    to_relay = event.latency_ms if event.details.get("latency_to") == "relay" else None
    steps = [
        ("decide", _milliseconds(event, "decided_ms")),
        ("send", _milliseconds(event, "sent_ms")),
        ("energise", to_relay),
        ("acknowledge", _milliseconds(event, "answered_ms")),
    ]
    taken = [(name, at) for name, at in steps if at is not None]
    begun = event.at - timedelta(milliseconds=max((at for _, at in taken), default=0.0))
    end = to_relay if to_relay is not None else max((at for _, at in taken), default=0.0)
    yield timeline.root(begun, begun + timedelta(milliseconds=end))
    before = 0.0
    for name, at in taken:
        # What two threads noted may be some microseconds out of order.
        yield timeline.span(name, *(begun + timedelta(milliseconds=one) for one in (before, max(before, at))))
        before = max(before, at)


def _of_controller(event: Event, timeline: _Timeline) -> Iterator[Span]:
    """Yield what the controller did: from the tap, or from the command of an edge that saw a face, to the relay."""
    begun = event.at - timedelta(milliseconds=event.latency_ms or 0.0)
    if event.method is Method.FACE and event.command_id is not None:
        yield timeline.span("control", begun, event.at)  # the edge tells of the whole
    else:
        yield timeline.root(begun, event.at)


def _milliseconds(event: Event, name: str) -> float | None:
    found = event.details.get(name)
    return float(found) if isinstance(found, int | float) and found >= 0 else None


def _trace_id(event: Event) -> bytes:
    """Return the id that edge and controller both know: of the tap, else of the command, else of a lone event."""
    key: UUID = event.tap_id or event.command_id or event.id
    return key.bytes


def _digest(key: bytes, name: str) -> bytes:
    return hashlib.sha256(key + name.encode()).digest()[:8]
