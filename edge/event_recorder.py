"""What the edge reports: events with their own id and time, handed to whoever keeps them until they are delivered."""

from typing import Protocol
from uuid import UUID

import uuid_utils.compat

from messages import Clock, Event, EventKind, Method

_SOURCE = "edge"

Detail = float | str | bool | None


class EventSink(Protocol):
    """Where events go: an outbox that survives restarts and outages."""

    def put(self, event: Event) -> None:
        """Keep `event` until it is delivered."""
        ...


class EventRecorder:
    """Makes the edge's events."""

    def __init__(self, gate: str, sink: EventSink, clock: Clock) -> None:
        self._gate = gate
        self._sink = sink
        self._clock = clock

    def record(
        self,
        kind: EventKind,
        *,
        reason: str | None = None,
        person_id: UUID | None = None,
        method: Method | None = None,
        granted: bool | None = None,
        latency_ms: float | None = None,
        command_id: UUID | None = None,
        details: dict[str, Detail] | None = None,
    ) -> Event:
        """Record that something happened just now."""
        event = Event(
            id=uuid_utils.compat.uuid7(),
            gate=self._gate,
            at=self._clock.now(),
            kind=kind.value,
            source=_SOURCE,
            person_id=person_id,
            method=method,
            granted=granted,
            reason=reason,
            latency_ms=None if latency_ms is None else round(latency_ms, 3),
            command_id=command_id,
            details=details or {},
        )
        self._sink.put(event)
        return event
