"""The edge's events on their way: kept on disk until the server has said that it stored them."""

from collections.abc import Callable, Iterable
from uuid import UUID

from bus.outbox import Outbox
from bus.port import Handler
from messages import Event, EventKind, GateTopics, Receipt, decoding_handler

_CHEAP = frozenset({EventKind.FACE_REFUSED.value})
"""What is given up first when the outbox is full: strangers who looked into the camera."""


class EventOutbox:
    """An `EventSink` over `bus.Outbox`."""

    def __init__(self, outbox: Outbox, topics: GateTopics) -> None:
        self._outbox = outbox
        self._topic = topics.events

    def put(self, event: Event) -> None:
        """Write one event to disk; it is sent and kept until the server's receipt."""
        valuable = event.kind not in _CHEAP or event.person_id is not None
        self._outbox.put(event.id, self._topic, event.encode(), event.at, valuable=valuable)


def receipts_for(confirm: Callable[[Iterable[UUID]], None]) -> Handler:
    """Return the handler of the receipts topic: what the server has stored need not be kept here."""
    return decoding_handler(Receipt, lambda receipt, _retained: confirm(receipt.ids), malformed="receipt_unreadable")
