"""The demonstration's witness: it reads what a gate says on the bus, and judges outcomes by that alone."""

import threading
import time
from collections.abc import Callable
from uuid import UUID

from bus import Connection
from bus.port import Handler
from messages import (
    Ack,
    Availability,
    BadAckError,
    DoorState,
    Event,
    GateTopics,
    Health,
    MalformedMessageError,
    ProcessStatus,
    Topic,
    TrustedKey,
    verify_ack,
)


class Observer:
    """Follows one gate. Every list only grows; a mark is a position to look back to."""

    def __init__(self, connection: Connection, topics: GateTopics, controllers: dict[str, TrustedKey]) -> None:
        """Subscribe to everything the gate says; `controllers` are the keys acknowledgements must carry."""
        self._controllers = controllers
        self._changed = threading.Condition()
        self._seen: set[UUID] = set()
        self.events: list[Event] = []
        self.states: list[DoorState] = []
        self.acks: list[Ack] = []
        self.commands: list[bytes] = []
        self.status: dict[str, ProcessStatus] = {}
        self.figures: dict[str, dict[str, float | str | bool | None]] = {}
        for topic, record in {
            Topic.EVENTS: self._record_event,
            Topic.STATE: self._record_state,
            Topic.ACK: self._record_ack,
            Topic.COMMAND: self.commands.append,
            Topic.AVAILABILITY: lambda payload: self._record_status("controller", payload),
            Topic.HEALTH: self._record_health,
            Topic.EDGE_AVAILABILITY: lambda payload: self._record_status("edge", payload),
        }.items():
            connection.subscribe(topics.of(topic), self._handler(record))

    @property
    def door(self) -> DoorState | None:
        """The last state heard."""
        return self.states[-1] if self.states else None

    def openings(self, since: int) -> int:
        """Return how often the lock was released among the states after position `since`."""
        before = self.states[since - 1].unlocked if since else False
        count = 0
        for state in self.states[since:]:
            count += state.unlocked and not before
            before = state.unlocked
        return count

    def forget_status(self, *sources: str) -> None:
        """Wait to hear anew whether `sources` (all, when none is named) are there."""
        for source in sources or tuple(self.status):
            self.status.pop(source, None)
            self.figures.pop(source, None)

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until `condition()` holds, which is asked after every message; return whether it did."""
        until = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(condition, max(0.0, until - time.monotonic()))

    def _handler(self, record: Callable[[bytes], None]) -> Handler:
        def handle(_topic: str, payload: bytes, _retained: bool) -> None:
            with self._changed:
                try:
                    record(payload)
                except (MalformedMessageError, BadAckError):
                    return
                self._changed.notify_all()

        return handle

    def _record_event(self, payload: bytes) -> None:
        event = Event.decode(payload)
        if event.id not in self._seen:
            self._seen.add(event.id)
            self.events.append(event)

    def _record_state(self, payload: bytes) -> None:
        state = DoorState.decode(payload)
        last = self.door
        # The broker may deliver a retained state twice.
        if last is None or (last.boot_id, last.sequence) != (state.boot_id, state.sequence):
            self.states.append(state)

    def _record_ack(self, payload: bytes) -> None:
        self.acks.append(verify_ack(payload, self._controllers))

    def _record_health(self, payload: bytes) -> None:
        health = Health.decode(payload)
        self.figures[health.source] = health.figures

    def _record_status(self, source: str, payload: bytes) -> None:
        self.status[source] = Availability.decode(payload).status
