"""What moves the doors of a fleet: an edge's commands, one after the other, and staff orders to every gate at once."""

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from benchmarks.fleet_campus import SITE, Campus
from benchmarks.fleet_gates import GatesProcess
from bus import Connection
from campusgate.demo.staff import Staff
from messages import (
    Ack,
    Action,
    DoorState,
    GateTopics,
    Method,
    NonceStore,
    Signer,
    Topic,
    TrustedKey,
    controller_sender,
    edge_sender,
    every_gate,
    verify_ack,
)

_COMMAND_PAUSE_S = 0.2


class Commander:
    """Opens one door after the other, with the key of its edge, and measures from the sending to the relay."""

    def __init__(self, campus: Campus, bus: Connection, nonces: NonceStore) -> None:
        self._bus = bus
        self._signers = {gate: Signer(campus.edge_key, edge_sender(gate), nonces) for gate in campus.gates}
        trusted = TrustedKey(campus.controller_key.public_key())
        self._trusted = {controller_sender(gate): trusted for gate in campus.gates}
        self._changed = threading.Condition()
        self._boots: dict[str, UUID] = {}
        self._acks: dict[UUID, Ack] = {}
        self.latencies: list[float] = []
        bus.subscribe(every_gate(SITE, Topic.STATE), self._on_state)
        bus.subscribe(every_gate(SITE, Topic.ACK), self._on_ack)

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set."""
        for gate in itertools.cycle(self._signers):
            if stop.wait(_COMMAND_PAUSE_S):
                return
            self.latencies.append(self._open(gate))

    def _open(self, gate: str) -> float:
        signed = self._signers[gate].issue(
            gate=gate,
            action=Action.OPEN,
            method=Method.FACE,
            reason="granted",
            boot_id=self._boots[gate],
            now=datetime.now(UTC),
        )
        sent_ns = time.monotonic_ns()
        self._bus.publish(GateTopics(SITE, gate).command, signed.payload)
        with self._changed:
            self._changed.wait_for(lambda: signed.command.id in self._acks, 10)
        ack = self._acks.get(signed.command.id)
        if ack is None or ack.energised_ns is None:
            return float("inf")
        return (ack.energised_ns - sent_ns) / 1e9

    def _on_state(self, _topic: str, payload: bytes, _retained: bool) -> None:
        state = DoorState.decode(payload)
        self._boots[state.gate] = state.boot_id

    def _on_ack(self, _topic: str, payload: bytes, _retained: bool) -> None:
        ack = verify_ack(payload, self._trusted)
        if ack.command_id is not None:
            with self._changed:
                self._acks[ack.command_id] = ack
                self._changed.notify_all()

    def knows(self, gates: Sequence[str]) -> bool:
        """Whether every gate has told its boot."""
        return all(gate in self._boots for gate in gates)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A staff order to every gate: seconds from the request on (inf: not at every gate)."""

    answered_s: float
    """Until the answer that says that every gate has signed for it."""
    moved_s: float | None
    """Until the last relay had moved, as its driver says; None for an order that moves none."""


def order(staff: Staff, processes: Sequence[GatesProcess], action: str, *, energises: bool | None) -> Ordered:
    """Order `action` everywhere; `energises` tells where the relays are to move, None that they stay."""
    asked = time.monotonic()
    effects = staff.order_everywhere(action)
    answered = time.monotonic()
    moved_s = None
    if energises is not None:
        moved_s = max(process.moved(asked, answered, energises=energises) for process in processes) - asked
    return Ordered(answered - asked if set(effects) == {"done"} else float("inf"), moved_s)
