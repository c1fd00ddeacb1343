"""From the bus into the journal and onto the board."""

import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bus import Connection
from database import Database, DatabaseBusyError
from gate_controller.messages import (
    Availability,
    Channel,
    DoorState,
    Event,
    Health,
    MalformedMessageError,
    every_gate,
    parse_topic,
)
from operations import journal
from operations.board import Board

log = structlog.get_logger()

_GateMessage = TypeVar("_GateMessage", Event, DoorState, Availability, Health)

_BATCH = 200
_RETRY_S = 0.5


class Ingest:
    """Follows every gate of a site. Messages that cannot be read are logged and dropped; they stop nothing."""

    def __init__(
        self,
        connection: Connection,
        site: str,
        database: Database,
        board: Board,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Subscribe; `start` begins to write what arrives."""
        self._database = database
        self._board = board
        self._now = now
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write, name="ingest", daemon=True)
        for channel, handler in {
            Channel.EVENTS: self._on_event,
            Channel.STATE: self._on_state,
            Channel.AVAILABILITY: self._on_controller,
            Channel.EDGE_AVAILABILITY: self._on_edge,
            Channel.HEALTH: self._on_health,
        }.items():
            connection.subscribe(every_gate(site, channel), _guarded(handler))

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived, then end."""
        self._stopping.set()
        self._events.put(None)
        self._thread.join()

    def _on_event(self, gate: str, payload: bytes) -> None:
        self._events.put(_of_gate(gate, Event.decode(payload)))

    def _on_state(self, gate: str, payload: bytes) -> None:
        self._board.door(_of_gate(gate, DoorState.decode(payload)), heard_at=self._now())

    def _on_controller(self, gate: str, payload: bytes) -> None:
        message = _of_gate(gate, Availability.decode(payload))
        self._board.availability(message, source="controller", heard_at=self._now())

    def _on_edge(self, gate: str, payload: bytes) -> None:
        message = _of_gate(gate, Availability.decode(payload))
        self._board.availability(message, source="edge", heard_at=self._now())

    def _on_health(self, gate: str, payload: bytes) -> None:
        self._board.health(_of_gate(gate, Health.decode(payload)), heard_at=self._now())

    def _write(self) -> None:
        while (batch := self._next_batch()) is not None:
            while not self._store(batch) and not self._stopping.wait(_RETRY_S):
                continue

    def _next_batch(self) -> list[Event] | None:
        """Wait for events; None once stopped and everything before the stop was returned."""
        first = self._events.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < _BATCH:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                break
            if event is None:
                self._events.put(None)
                break
            batch.append(event)
        return batch

    def _store(self, batch: list[Event]) -> bool:
        try:
            with self._database.begin() as session:
                new = journal.record(session, batch, received_at=self._now())
        except (SQLAlchemyError, DatabaseBusyError) as error:
            log.warning("events_not_stored_yet", waiting=len(batch), error=type(error).__name__)
            return False
        if new:
            self._board.touch()
        return True


def _of_gate(gate: str, message: _GateMessage) -> _GateMessage:
    """A process may speak only of the gate whose topic it was let onto."""
    if message.gate != gate:
        raise MalformedMessageError(f"a message about gate {message.gate} arrived on a topic of {gate}")
    return message


def _guarded(handler: Callable[[str, bytes], None]) -> Callable[[str, bytes, bool], None]:
    def guarded(topic: str, payload: bytes, _retained: bool) -> None:
        try:
            handler(parse_topic(topic)[0].gate, payload)
        except MalformedMessageError as error:
            log.warning("gate_message_unreadable", topic=topic, error=str(error))

    return guarded
