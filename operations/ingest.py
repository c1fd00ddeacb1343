"""From the bus into the store of events, the register of alarms, and onto the board.

A gate keeps an event until this server has said that it is stored (a receipt), so nothing is lost while the server is
down, busy, or killed between the broker and its disk.
"""

import contextlib
import json
import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DataError, SQLAlchemyError

from bus import Connection, NotConnectedError
from bus.port import Handler
from database import Database, DatabaseBusyError
from directory import zone_passages
from messages import (
    MOST_RECEIPTS,
    Availability,
    DoorState,
    Event,
    Feedback,
    GateTopics,
    Health,
    MalformedMessageError,
    Receipt,
    Topic,
    UsedCode,
    every_gate,
    parse_topic,
)
from operations import event_store, hours, lost_card_use, used_codes
from operations.alarms import register
from operations.alarms.rules import signals_of
from operations.board import Board
from operations.presence_hints import PresenceHints

log = structlog.get_logger()

_GateMessage = TypeVar("_GateMessage", Event, DoorState, Availability, Health, Feedback)

_RETAINED_QOS = 0
"""Of what is retained or said again soon. Beyond the room it has for a client's unacknowledged messages a broker drops
what it retained without a word (Mosquitto by default: some thousand, three of each gate); at QoS 0 it sends all."""
_BATCH = 200
_RETRY_S = 0.5
_TURN_S = 1.0
"""The longest turn with nothing to store."""


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
        self._connection = connection
        self._site = site
        self._database = database
        self._board = board
        self._now = now
        self._hints = PresenceHints(connection, site)
        self._stored: Counter[str] = Counter()
        self.on_stored: list[Callable[[Sequence[Event]], None]] = []
        """Each is given what was stored anew; for the rim to add to before the start."""
        self.on_turn: Callable[[], None] = lambda: None
        """Called before each try to store, and once a second where nothing waits; for the rim to set."""
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write, name="ingest", daemon=True)
        connection.subscribe(every_gate(site, Topic.EVENTS), _guarded(self._on_event))
        for topic, handler in {
            Topic.STATE: self._on_state,
            Topic.AVAILABILITY: self._on_controller,
            Topic.EDGE_AVAILABILITY: self._on_edge,
            Topic.HEALTH: self._on_health,
            Topic.FEEDBACK: self._on_feedback,
        }.items():
            connection.subscribe(every_gate(site, topic), _guarded(handler), qos=_RETAINED_QOS)
        if not connection.connected:
            board.lost(self._now())
        connection.on_connect(board.connected)
        connection.on_disconnect(lambda: board.lost(self._now()))

    @property
    def backlog(self) -> int:
        """Events that arrived and are not stored yet."""
        return self._events.qsize()

    @property
    def stored(self) -> Mapping[str, int]:
        """Events stored since the start, by kind."""
        return dict(self._stored)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived, then end."""
        self._stopping.set()
        self._events.put(None)
        self._thread.join()

    def _on_event(self, gate: str, payload: bytes) -> None:
        try:
            self._events.put(_of_gate(gate, Event.decode(payload)))
        except MalformedMessageError:
            # Sent again it would be no better, and it would hold up what waits behind it.
            if (unreadable := _id_in(payload)) is not None:
                self._acknowledge(gate, [unreadable])
            raise

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

    def _on_feedback(self, gate: str, payload: bytes) -> None:
        self._board.feedback(_of_gate(gate, Feedback.decode(payload)), heard_at=self._now())

    def _write(self) -> None:
        while (batch := self._next_batch()) is not None:
            while not self._store(batch) and not self._stopping.wait(_RETRY_S):
                self.on_turn()

    def _next_batch(self) -> list[Event] | None:
        """Wait for events; None once stopped and everything before the stop was returned."""
        first = self._wait_for_first()
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

    def _wait_for_first(self) -> Event | None:
        while True:
            self.on_turn()
            with contextlib.suppress(queue.Empty):
                return self._events.get(timeout=_TURN_S)

    def _store(self, batch: Sequence[Event]) -> bool:
        """Store a batch, then say so to its gates; False when it must be tried again."""
        passed: Mapping[str, int] = {}
        used: list[UsedCode] = []
        alarms_changed = 0
        try:
            now = self._now()
            with self._database.begin() as session:
                new = event_store.record(session, lost_card_use.flag(session, batch), received_at=now)
                # With the events, or not at all: an alarm is counted once for each event.
                found = [signal for event in new for signal in signals_of(event)]
                alarms_changed = register.apply(session, found, now=now)
                passed = zone_passages.record(session, new, now=now)
                hours.count(session, new, now=now)
                used = used_codes.record(session, new, now=now)
        except DataError as error:
            if len(batch) > 1:
                return all(self._store([event]) for event in batch)
            log.error("event_cannot_be_stored", event_id=str(batch[0].id), error=str(error.orig)[:200])
            new = []
        except (SQLAlchemyError, DatabaseBusyError) as error:
            log.warning("events_not_stored_yet", waiting=len(batch), error=type(error).__name__)
            return False
        # First of all: somebody may be at the next gate with a photograph.
        used_codes.publish(self._connection, self._site, used)
        self._stored.update(event.kind for event in new)
        for observe in self.on_stored:
            observe(new)
        for gate in dict.fromkeys(event.gate for event in batch):
            self._acknowledge(gate, [event.id for event in batch if event.gate == gate])
        self._hints.publish(passed)
        if alarms_changed:
            self._board.touch()
        elif new:
            self._board.touch_events()
        return True

    def _acknowledge(self, gate: str, ids: Sequence[UUID]) -> None:
        """Tell a gate what it may forget. A receipt may be lost: the gate sends again, and hears again."""
        topic = GateTopics(self._site, gate).receipts
        for first in range(0, len(ids), MOST_RECEIPTS):
            receipt = Receipt(gate=gate, ids=tuple(ids[first : first + MOST_RECEIPTS]))
            try:
                self._connection.publish(topic, receipt.encode())
            except NotConnectedError:
                log.debug("receipt_not_sent", gate=gate)
                return


def _of_gate(gate: str, message: _GateMessage) -> _GateMessage:
    """A process may speak only of the gate whose topic it was let onto."""
    if message.gate != gate:
        raise MalformedMessageError(f"a message about gate {message.gate} arrived on a topic of {gate}")
    return message


def _id_in(payload: bytes) -> UUID | None:
    """Return the id of an event that is otherwise unreadable."""
    try:
        return UUID(json.loads(payload)["id"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _guarded(handler: Callable[[str, bytes], None]) -> Handler:
    def guarded(topic: str, payload: bytes, _retained: bool) -> None:
        try:
            handler(parse_topic(topic)[0].gate, payload)
        except MalformedMessageError as error:
            log.warning("gate_message_unreadable", topic=topic, error=str(error))

    return guarded
