"""One order to one gate from the command line: hear how the gate is, sign, send, wait for the signed answer."""

import fcntl
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bus import BrokerAddress, Connection, random_client_id
from messages import (
    Ack,
    Action,
    Availability,
    BadAckError,
    DoorState,
    GateTopics,
    MalformedMessageError,
    Method,
    ProcessStatus,
    Signer,
    TrustedKey,
    verify_ack,
)

CONNECT_S = 5.0
STATE_S = 3.0
TTL_MS = 5000
LIFE_S = 10.0
"""An order that was typed longer ago is not signed any more: somebody may have given it up, or the terminal hung."""
_LOOK_S = 0.05


class GateUnknownError(Exception):
    """Nothing is known of the gate, so no order can be made for it."""


class WorkstationBusyError(Exception):
    """Another process of this workstation gives an order, and did not end in time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What became of an order."""

    accepted: bool
    reason: str
    answered_in_ms: float | None = None

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait, as long as an order lives, until no other process of this workstation gives one.

    A user may have one connection at the broker, and a gate obeys no command with a lower nonce than it has seen: two
    orders at once would throw each other out, or overtake each other.

    Raises:
        WorkstationBusyError: another order was still on its way.
    """
    until = time.monotonic() + TTL_MS / 1000
    with (folder / "orders.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise WorkstationBusyError(
                        "another order of this workstation is still on its way; nothing was sent, try again"
                    ) from None
                time.sleep(_LOOK_S)
        yield


def ask_gate(
    address: BrokerAddress,
    topics: GateTopics,
    action: Action,
    signer: Signer,
    controllers: Mapping[str, TrustedKey],
    *,
    age_s: Callable[[], float],
) -> Order:
    """Send one order and wait for the controller's signed answer, no longer than the order lives.

    `age_s` tells how long ago it was typed; it is asked last thing before the order is signed.

    Raises:
        BusError: no broker, or it refuses us.
        GateUnknownError: the gate has never said how it is.
    """
    bus = Connection(address, random_client_id("staff"))
    bus.start()
    try:
        bus.wait_connected(CONNECT_S)
        gate = _Gate(bus, topics, controllers)
        boot_id = gate.boot_id()
        if not gate.is_online():
            return Order(accepted=False, reason="controller_offline")
        # The time first: should this process stand still in between, the gate finds the order stale.
        now = datetime.now(UTC)
        if age_s() > LIFE_S:
            return Order(accepted=False, reason="expired")
        signed = signer.issue(
            gate=topics.gate,
            action=action,
            method=Method.STAFF,
            reason="staff",
            boot_id=boot_id,
            now=now,
            ttl_ms=TTL_MS,
        )
        sent = time.monotonic()
        bus.publish(topics.command, signed.payload, wait_s=CONNECT_S)
        ack = gate.answer(signed.command.id, until=sent + TTL_MS / 1000)
        if ack is None:
            return Order(accepted=False, reason="no_answer")
        taken_ms = (time.monotonic() - sent) * 1000
        return Order(ack.accepted, "done" if ack.refusal is None else str(ack.refusal), taken_ms)
    finally:
        bus.stop()


class _Gate:
    """What a gate says on the bus, from now on."""

    def __init__(self, bus: Connection, topics: GateTopics, controllers: Mapping[str, TrustedKey]) -> None:
        self._topics = topics
        self._states: queue.Queue[DoorState] = queue.Queue()
        self._presence: queue.Queue[Availability] = queue.Queue()
        self._acks: queue.Queue[Ack] = queue.Queue()
        # Availability first: by the time the retained state is here, so is it.
        bus.subscribe(
            topics.availability,
            lambda _topic, payload, _retained: self._presence.put(Availability.decode(payload)),
        )
        bus.subscribe(topics.state, lambda _topic, payload, _retained: self._states.put(DoorState.decode(payload)))
        bus.subscribe(topics.ack, lambda _topic, payload, _retained: _hear(self._acks, payload, controllers))

    def boot_id(self) -> UUID:
        """Return the controller's present boot, as its retained state says."""
        try:
            return self._states.get(timeout=STATE_S).boot_id
        except queue.Empty:
            raise GateUnknownError(
                f"gate {self._topics.gate} of site {self._topics.site} has never said how it is; "
                "is its controller running?"
            ) from None

    def is_online(self) -> bool:
        """Whether the controller has not said, nor the broker for it, that it is away."""
        return self._presence.empty() or self._presence.get().status is ProcessStatus.ONLINE

    def answer(self, command_id: UUID, *, until: float) -> Ack | None:
        """Return the answer to a command, None when there is none until `until` (monotonic seconds)."""
        while (left := until - time.monotonic()) > 0:
            try:
                ack = self._acks.get(timeout=left)
            except queue.Empty:
                return None
            if ack.command_id == command_id:
                return ack
        return None


def _hear(acks: "queue.Queue[Ack]", payload: bytes, controllers: Mapping[str, TrustedKey]) -> None:
    try:
        acks.put(verify_ack(payload, controllers))
    except (BadAckError, MalformedMessageError):
        return  # not the controller's word, so not an answer
