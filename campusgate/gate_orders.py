"""One order to one gate from the command line: hear how the gate is, sign, send, wait for the signed answer."""

import queue
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bus import BrokerAddress, Connection
from gate_controller.messages import (
    Ack,
    Action,
    Availability,
    BadAckError,
    DoorState,
    GateTopics,
    MalformedMessageError,
    Method,
    Presence,
    Signer,
    TrustedKey,
    verify_ack,
)

CONNECT_S = 5.0
STATE_S = 3.0
TTL_MS = 5000


class GateUnknownError(Exception):
    """Nothing is known of the gate, so no order can be made for it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What became of an order."""

    accepted: bool
    reason: str
    answered_in_ms: float | None = None

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def ask_gate(
    address: BrokerAddress, topics: GateTopics, action: Action, signer: Signer, controllers: Mapping[str, TrustedKey]
) -> Order:
    """Send one order and wait for the controller's signed answer, no longer than the order lives.

    Raises:
        BusError: no broker, or it refuses us.
        GateUnknownError: the gate has never said how it is.
    """
    bus = Connection(address, f"staff-{uuid4().hex[:12]}")
    states: queue.Queue[DoorState] = queue.Queue()
    presence: queue.Queue[Availability] = queue.Queue()
    acks: queue.Queue[Ack] = queue.Queue()
    bus.start()
    try:
        bus.wait_connected(CONNECT_S)
        bus.subscribe(
            topics.availability, lambda _topic, payload, _retained: presence.put(Availability.decode(payload))
        )
        bus.subscribe(topics.state, lambda _topic, payload, _retained: states.put(DoorState.decode(payload)))
        bus.subscribe(topics.ack, lambda _topic, payload, _retained: _hear(acks, payload, controllers))
        try:
            state = states.get(timeout=STATE_S)
        except queue.Empty:
            raise GateUnknownError(
                f"gate {topics.gate} of site {topics.site} has never said how it is; is its controller running?"
            ) from None
        if not presence.empty() and presence.get().status is not Presence.ONLINE:
            return Order(accepted=False, reason="controller_offline")
        signed = signer.issue(
            gate=topics.gate,
            action=action,
            method=Method.STAFF,
            reason="staff",
            boot_id=state.boot_id,
            now=datetime.now(UTC),
            ttl_ms=TTL_MS,
        )
        sent = time.monotonic()
        bus.publish(topics.command, signed.payload, wait_s=CONNECT_S)
        while (left := sent + TTL_MS / 1000 - time.monotonic()) > 0:
            try:
                ack = acks.get(timeout=left)
            except queue.Empty:
                break
            if ack.command_id == signed.command.id:
                taken_ms = (time.monotonic() - sent) * 1000
                return Order(ack.accepted, "done" if ack.refusal is None else ack.refusal.value, taken_ms)
        return Order(accepted=False, reason="no_answer")
    finally:
        bus.stop()


def _hear(acks: "queue.Queue[Ack]", payload: bytes, controllers: Mapping[str, TrustedKey]) -> None:
    try:
        acks.put(verify_ack(payload, controllers))
    except (BadAckError, MalformedMessageError):
        return  # not the controller's word, so not an answer
