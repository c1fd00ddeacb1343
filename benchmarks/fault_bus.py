"""Who sends commands to gates while everything goes wrong: their edges, and a thief with a stolen key."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.fleet_campus import SITE, Campus
from bus import Backoff, BrokerAddress, Connection, NotConnectedError
from messages import (
    Action,
    DoorState,
    GateTopics,
    Method,
    NonceStore,
    SignedCommand,
    Signer,
    Topic,
    edge_sender,
    every_gate,
)

_COMMAND_PAUSE_S = 0.1


class Bus:
    """Edge and thief: both send commands, one after the other, to any gate whose boot is known."""

    def __init__(
        self,
        campus: Campus,
        nonces: NonceStore,
        thief_nonces: NonceStore,
        chance: random.Random,
        *,
        gates: Sequence[str] | None = None,
        pause_s: float = _COMMAND_PAUSE_S,
    ) -> None:
        """Both work at `gates` (else all), once in each of so many seconds."""
        gates = campus.gates if gates is None else gates
        self.connection = Connection(BrokerAddress(port=campus.mqtt_port), "edge-and-thief", backoff=Backoff(0.1, 0.5))
        self.meant: dict[UUID, float] = {}
        """The commands that the edge meant, by id: when they were signed (monotonic seconds)."""
        self._person = campus.people[0]
        self._signers = {gate: Signer(campus.edge_key, edge_sender(gate), nonces) for gate in gates}
        # Nonces of its own: what the thief signs would void what the edge signed before.
        stolen = campus.edge_key
        self._forgers = {
            gate: (
                Signer(stolen, edge_sender(gate), thief_nonces),
                Signer(Ed25519PrivateKey.generate(), edge_sender(gate), thief_nonces),
            )
            for gate in gates
        }
        self._pause_s = pause_s
        self._sent: list[SignedCommand] = []
        self._boots: dict[str, UUID] = {}
        self._chance = chance
        self.connection.subscribe(every_gate(SITE, Topic.STATE), self._on_state)

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set."""
        doings: tuple[Callable[[str], None], ...] = (self._open, self._open, self._retain, self._repeat, self._forge)
        while not stop.wait(self._pause_s):
            for gate in tuple(self._boots):
                with contextlib.suppress(NotConnectedError):
                    self._chance.choice(doings)(gate)

    def _open(self, gate: str, *, retain: bool = False) -> None:
        signed = self._issue(self._signers[gate], gate, self._boots[gate], datetime.now(UTC))
        self.meant[signed.command.id] = time.monotonic()
        self._sent.append(signed)
        self.connection.publish(GateTopics(SITE, gate).command, signed.payload, retain=retain)

    def _retain(self, gate: str) -> None:
        """The accident that opens doors on reconnection: the broker keeps the command for whoever comes."""
        self._open(gate, retain=True)

    def _repeat(self, _gate: str) -> None:
        if self._sent:
            again = self._chance.choice(self._sent)
            self.connection.publish(GateTopics(SITE, again.command.gate).command, again.payload)

    def _forge(self, gate: str) -> None:
        thief, stranger = self._forgers[gate]
        now, boot = datetime.now(UTC), self._boots[gate]
        payload = self._chance.choice(
            (
                self._issue(thief, gate, boot, now - timedelta(minutes=1)).payload,
                self._issue(thief, gate, uuid4(), now).payload,
                self._issue(stranger, gate, boot, now).payload,
                self._issue(thief, gate, boot, now).command.encode(),
            )
        )
        self.connection.publish(GateTopics(SITE, gate).command, payload)

    def _issue(self, signer: Signer, gate: str, boot_id: UUID, now: datetime) -> SignedCommand:
        return signer.issue(
            gate=gate,
            action=Action.OPEN,
            method=Method.FACE,
            reason="granted",
            boot_id=boot_id,
            now=now,
            person_id=self._person,
        )

    def _on_state(self, _topic: str, payload: bytes, _retained: bool) -> None:
        state = DoorState.decode(payload)
        if state.gate in self._signers:
            self._boots[state.gate] = state.boot_id
