"""What the controller publishes: events through the outbox, retained state, signed acknowledgements, availability."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog
import uuid_utils.compat

from bus import Connection, NotConnectedError, Outbox, Will
from gate_controller.barrier import Barrier
from gate_controller.signals import BarrierEvent
from messages import (
    Ack,
    Availability,
    Command,
    DoorState,
    Event,
    EventKind,
    GateTopics,
    Health,
    Method,
    ProcessStatus,
    Refusal,
    Signer,
    Tap,
)

log = structlog.get_logger()

_LOW_VALUE = frozenset(
    {
        EventKind.READING_UNREADABLE,
        EventKind.COMMAND_REFUSED,
        EventKind.CLOSED,
        EventKind.GRANT_RENEWED,
        EventKind.RELOCKED,
        EventKind.EXIT_REQUESTED,
        EventKind.NOT_TAKEN,
    }
)
"""What a full outbox gives up first."""

Details = Mapping[str, float | str | bool | None]


def availability(
    topics: GateTopics, boot_id: UUID, status: ProcessStatus, at: datetime | None = None, *, connection: int
) -> Will:
    """Return the retained message of whether the controller is there; OFFLINE is its last will."""
    message = Availability(gate=topics.gate, status=status, boot_id=boot_id, at=at, connection=connection)
    return Will(topics.availability, message.encode())


class Reporter:
    """Publishes for one controller during one boot. Nothing here waits for the network."""

    def __init__(self, topics: GateTopics, boot_id: UUID, bus: Connection, outbox: Outbox, signer: Signer) -> None:
        self._topics = topics
        self.boot_id = boot_id
        self._bus = bus
        self._outbox = outbox
        self._signer = signer
        self._sequence = 0
        self._state: DoorState | None = None

    @property
    def gate(self) -> str:
        """The gate this is about."""
        return self._topics.gate

    def record(
        self,
        kind: EventKind,
        at: datetime,
        *,
        person_id: UUID | None = None,
        method: Method | None = None,
        granted: bool | None = None,
        reason: str | None = None,
        latency_ms: float | None = None,
        command_id: UUID | None = None,
        tap_id: UUID | None = None,
        details: Details | None = None,
    ) -> None:
        """Record an event; it is on disk when this returns."""
        event = Event(
            id=uuid_utils.compat.uuid7(),
            gate=self._topics.gate,
            at=at,
            kind=kind.value,
            person_id=person_id,
            method=method,
            granted=granted,
            reason=reason,
            latency_ms=latency_ms,
            command_id=command_id,
            tap_id=tap_id,
            details=dict(details or {}),
        )
        self._outbox.put(event.id, self._topics.events, event.encode(), at, valuable=kind not in _LOW_VALUE)
        log.info("gate_event", kind=kind.value, granted=granted, reason=reason, event_id=str(event.id))

    def record_barrier_event(
        self, event: BarrierEvent, at: datetime, *, latency_ms: float | None = None, details: Details | None = None
    ) -> None:
        """Record what the door did."""
        grant = event.grant
        self.record(
            event.kind,
            at,
            person_id=grant.person_id if grant else None,
            method=grant.method if grant else None,
            granted=event.granted,
            reason=event.reason,
            latency_ms=latency_ms,
            command_id=grant.command_id if grant else None,
            tap_id=grant.tap_id if grant else None,
            details={**event.details, **(details or {})},
        )

    def publish_state(self, door: Barrier, at: datetime, *, clock_sure: bool) -> None:
        """Publish the door if anything about it has changed."""
        state = DoorState(
            gate=self._topics.gate,
            boot_id=self.boot_id,
            sequence=self._sequence,
            at=at,
            state=door.status,
            unlocked=door.unlocked,
            door_open=door.is_open if door.has_contact else None,
            tamper=door.tamper,
            fire=door.fire,
            mode=door.mode.value,
            wire_faults=tuple(f"{wire}:{fault}" for wire, fault in door.wire_faults),
            clock_sure=clock_sure,
        )
        same = {"at": state.at, "sequence": state.sequence}
        if self._state is not None and self._state.model_copy(update=same) == state:
            return
        self._sequence += 1
        self._state = state.model_copy(update={"sequence": self._sequence})
        self._publish(self._topics.state, self._state.encode(), retain=True)

    def announce(self, at: datetime) -> None:
        """Publish that the controller is there and how the door is: on every connection, and now and then.

        What a broker retains may be lost with it, or a late will may have taken its place.
        """
        number = self._bus.connection_number
        here = availability(self._topics, self.boot_id, ProcessStatus.ONLINE, at, connection=number)
        self._publish(here.topic, here.payload, retain=True)
        if self._state is not None:
            self._publish(self._topics.state, self._state.encode(), retain=True)

    def publish_tap(self, tap: Tap) -> None:
        """Ask the edge about a tap.

        Raises:
            NotConnectedError: there is no broker.
        """
        self._bus.publish(self._topics.taps, tap.encode())

    def acknowledge(
        self,
        command: Command | None,
        refusal: Refusal | None,
        at: datetime,
        *,
        received_ns: int,
        energised_ns: int | None = None,
    ) -> None:
        """Acknowledge a command, signed."""
        ack = Ack(
            command_id=command.id if command else None,
            gate=self._topics.gate,
            accepted=refusal is None,
            refusal=refusal,
            boot_id=self.boot_id,
            at=at,
            received_ns=received_ns,
            energised_ns=energised_ns,
        )
        self._publish(self._topics.ack, self._signer.sign(ack))

    def publish_health(self, at: datetime, figures: Details) -> None:
        """Publish figures."""
        message = Health(gate=self._topics.gate, source="controller", at=at, figures=dict(figures))
        self._publish(self._topics.health, message.encode(), qos=0)

    def _publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        try:
            self._bus.publish(topic, payload, qos=qos, retain=retain)
        except NotConnectedError:
            log.debug("not_published_without_broker", topic=topic)
