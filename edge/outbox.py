"""The edge's events on their way: kept on disk until the broker has acknowledged them."""

from bus.outbox import Outbox
from gate_controller.messages import Event, EventKind, GateTopics

_CHEAP = frozenset({EventKind.FACE_REFUSED.value})
"""What is given up first when the outbox is full: strangers who looked into the camera."""


class EventOutbox:
    """An `EventSink` over `bus.Outbox`."""

    def __init__(self, outbox: Outbox, topics: GateTopics) -> None:
        self._outbox = outbox
        self._topic = topics.events

    def put(self, event: Event) -> None:
        valuable = event.kind not in _CHEAP or event.person_id is not None
        self._outbox.put(event.id, self._topic, event.encode(), event.at, valuable=valuable)


def mark_late(payload: bytes) -> bytes:
    """Return an event's bytes marked as part of the past.

    Raises:
        MalformedMessageError: the bytes are no event.
    """
    return Event.decode(payload).model_copy(update={"historical": True}).encode()
