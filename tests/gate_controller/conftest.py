"""A real controller on a real broker, its wires in the test's hands, and an operator who talks to it."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.credentials import card_digest
from access.policy import GatePolicy, Rule
from access.replica import Replica
from access.snapshot import Change, ChangePage, CredentialEntry, PersonEntry, add_digest, directory_digest
from bus import Backoff, BrokerAddress, Connection, Outbox
from database import Sealer
from gate_controller.barrier_settings import DoorSettings, TurnstileSettings
from gate_controller.hardware import Hardware
from gate_controller.inputs import Inputs
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.memory import DoorMemory
from gate_controller.readers.simulated import SimulatedReader
from gate_controller.relays.simulated import SimulatedRelay
from gate_controller.service import GateController
from gate_controller.storage import Storage
from gate_controller.sun import ProofKeys
from messages import (
    Ack,
    Action,
    Availability,
    DoorState,
    DoorStatus,
    Event,
    EventKind,
    GateTopics,
    Method,
    NonceStore,
    ProcessStatus,
    SignedCommand,
    Signer,
    Tap,
    TrustedKey,
    verify_ack,
)
from messages.signed_codes import STAFF_SENDER
from tests.cut_connections import cut
from tests.waiting import PATIENCE_S

TOPICS = GateTopics("main", "north")
CREDENTIAL_KEY = bytes(range(32))
EDGE_KEY, STAFF_KEY, CONTROLLER_KEY = (Ed25519PrivateKey.generate() for _ in range(3))
TRUSTED = {
    "edge:north": TrustedKey(EDGE_KEY.public_key(), frozenset({Action.OPEN, Action.DENY})),
    "operations": TrustedKey(STAFF_KEY.public_key()),
    STAFF_SENDER: TrustedKey(STAFF_KEY.public_key()),
}
CONTROLLERS = {"controller:north": TrustedKey(CONTROLLER_KEY.public_key())}
ACTIVE_CARD, LOST_CARD, UNKNOWN_CARD = "04A31B72", "04A31B73", "04FFFFFF"


class BenchClock:
    """The wall clock can be moved; the monotonic one runs, and both can be advanced."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self._ahead_s = 0

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self._ahead_s += seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset + timedelta(seconds=self._ahead_s)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead_s

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + self._ahead_s * 1_000_000_000


@dataclass
class Bench:
    """One controller and everything around it."""

    folder: Path
    broker: object
    clock: BenchClock = field(default_factory=BenchClock)
    relay: SimulatedRelay = field(default_factory=SimulatedRelay)
    reader: SimulatedReader = field(default_factory=SimulatedReader)
    contact: SimulatedInput = field(default_factory=SimulatedInput)
    exit_button: SimulatedInput = field(default_factory=SimulatedInput)
    fire: SimulatedInput = field(default_factory=SimulatedInput)
    tamper: SimulatedInput = field(default_factory=SimulatedInput)
    interlock: SimulatedInput | None = None
    passage: SimulatedInput | None = None
    reverse: SimulatedInput | None = None
    secured: SimulatedRelay | None = None
    proof_keys: ProofKeys | None = None
    hints: list[int] = field(default_factory=list)
    directory: Replica | None = None
    controller: GateController | None = None

    def start(
        self, *, door: DoorSettings | TurnstileSettings | None = None, answer_wait_s: float = 0.15
    ) -> GateController:
        storage = Storage(
            NonceStore(self.folder / "nonces.db"),
            Outbox(self.folder / "outbox.db"),
            DoorMemory(self.folder / "memory.db"),
        )
        wires = (self.contact, self.exit_button, self.fire, self.tamper, self.interlock, self.passage, self.reverse)
        inputs = Inputs(*wires)
        if isinstance(self.reader, SimulatedReader):
            self.reader.monotonic_ns = self.clock.monotonic_ns
        self.controller = GateController(
            TOPICS,
            BrokerAddress(port=self.broker.port),
            Hardware(self.relay, inputs, self.reader, self.secured),
            storage,
            signing_key=CONTROLLER_KEY,
            trusted=TRUSTED,
            credential_key=CREDENTIAL_KEY,
            settings=door,
            directory=self.directory,
            on_directory_hint=self.hints.append,
            clock=self.clock,
            proof_keys=self.proof_keys,
            answer_wait_s=answer_wait_s,
            backoff=Backoff(0.05, 0.2, 0.2),
        )
        self.controller.start()
        return self.controller

    def power_cut(self) -> None:
        """End the controller as kill -9 does: no farewell, nothing flushed, relay without power."""
        controller, self.controller = self.controller, None
        controller.bus._stopping.set()
        if (session := controller.bus._session) is not None:
            cut(session)
        controller._outbox_sender._stopping.set()
        controller._loop._calls.put(None)
        controller._loop._thread.join()
        controller.bus._thread.join()
        controller.bus._handler_thread.stop()
        self.reader.stop()
        self.relay.close()


class Operator:
    """Hears everything the gate says, and speaks with the keys of edge and staff."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self.connection = connection
        self.changed = threading.Condition()
        self.events: list[Event] = []
        self.states: list[DoorState] = []
        self.acks: list[Ack] = []
        self.taps: list[Tap] = []
        self.availability: list[tuple[Availability, bool]] = []
        self.on_tap: Callable[[Tap], None] = lambda _tap: None
        self._signers = {
            "edge:north": Signer(EDGE_KEY, "edge:north", NonceStore(folder / "edge.db")),
            "operations": Signer(STAFF_KEY, "operations", NonceStore(folder / "staff.db")),
        }
        connection.subscribe(TOPICS.events, self._hear(lambda payload, _: self._event(Event.decode(payload))))
        connection.subscribe(TOPICS.state, self._hear(lambda payload, _: self.states.append(DoorState.decode(payload))))
        connection.subscribe(
            TOPICS.ack, self._hear(lambda payload, _: self.acks.append(verify_ack(payload, CONTROLLERS)))
        )
        connection.subscribe(TOPICS.taps, self._hear(lambda payload, _: self._tap(Tap.decode(payload))))
        connection.subscribe(
            TOPICS.availability,
            self._hear(lambda payload, retained: self.availability.append((Availability.decode(payload), retained))),
        )

    def _hear(self, take: Callable[[bytes, bool], object]) -> Callable[[str, bytes, bool], None]:
        def heard(_topic: str, payload: bytes, retained: bool) -> None:
            with self.changed:
                take(payload, retained)
                self.changed.notify_all()

        return heard

    def _event(self, event: Event) -> None:
        if event.id not in {one.id for one in self.events}:
            self.events.append(event)

    def _tap(self, tap: Tap) -> None:
        self.taps.append(tap)
        self.on_tap(tap)

    def until(self, condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout_s), self.kinds

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def event(self, kind: EventKind) -> Event:
        """The last event of a kind, waited for."""
        self.until(lambda: kind in self.kinds)
        return [event for event in self.events if event.kind == kind][-1]

    def state(self, status: DoorStatus) -> DoorState:
        self.until(lambda: self.states and self.states[-1].state is status)
        return self.states[-1]

    def sign(
        self, action: Action, *, boot_id: UUID | None = None, sender: str = "operations", **changes
    ) -> SignedCommand:
        values = {
            "gate": "north",
            "method": Method.STAFF,
            "reason": "staff",
            "boot_id": boot_id or self.states[-1].boot_id,
            "now": datetime.now(UTC),
        } | changes
        return self._signers[sender].issue(action=action, **values)

    def send(self, payload: bytes, *, retain: bool = False) -> None:
        self.connection.publish(TOPICS.command, payload, retain=retain, wait_s=PATIENCE_S)

    def ask(self, action: Action, **changes) -> Ack:
        """Sign, send, and wait for the answer."""
        signed = self.sign(action, **changes)
        self.send(signed.payload)
        return self.answer(signed)

    def answer(self, signed: SignedCommand) -> Ack:
        self.until(lambda: any(ack.command_id == signed.command.id for ack in self.acks))
        return next(ack for ack in self.acks if ack.command_id == signed.command.id)

    def edge(self, status: ProcessStatus) -> None:
        message = Availability(gate="north", status=status, boot_id=uuid4())
        self.connection.publish(TOPICS.edge_availability, message.encode(), retain=True, wait_s=PATIENCE_S)


@pytest.fixture
def bench(broker, tmp_path: Path) -> Iterator[Bench]:
    """A bench with a controller that is not started yet."""
    bench = Bench(tmp_path, broker)
    yield bench
    if bench.controller is not None:
        bench.controller.stop()


@pytest.fixture
def operator(broker, connect, tmp_path: Path) -> Operator:
    """Somebody at the bus."""
    return Operator(connect(broker, "operator"), tmp_path)


@pytest.fixture
def gate(bench: Bench, operator: Operator) -> Bench:
    """A running controller that the operator has heard of."""
    bench.start()
    operator.state(DoorStatus.LOCKED)
    return bench


def person(card: str, status: str = "active", **changes) -> PersonEntry:
    credential = CredentialEntry(kind="card", digest=card_digest(CREDENTIAL_KEY, card), status=status)
    return PersonEntry(person_id=uuid4(), groups=("students",), credentials=(credential,), **changes)


@pytest.fixture
def directory(bench: Bench, tmp_path: Path) -> Iterator[Replica]:
    """A real replica that knows one active and one lost card."""
    policy = GatePolicy(gate="north", rules=(Rule(group="students"),))
    replica = make_replica(tmp_path / "replica.db", policy, person(ACTIVE_CARD), person(LOST_CARD, "lost"))
    bench.directory = replica
    yield replica
    replica.close()


def make_replica(path: Path, policy: GatePolicy, *people: PersonEntry) -> Replica:
    """A controller's replica that was just synchronised."""
    replica = Replica(path, Sealer(bytes(32)), gate="north", view="cards")
    total = 0
    for one in people:
        total = add_digest(total, one.digest())
    page = ChangePage(
        policy=policy,
        view="cards",
        from_revision=0,
        to_revision=len(people),
        revoked_from=0,
        revoked_to=len(people),
        latest_revision=len(people),
        changes=tuple(Change(revision=n, person_id=one.person_id, entry=one) for n, one in enumerate(people, start=1)),
        digest_when_complete=directory_digest(policy, total),
    )
    assert replica.apply(page, datetime.now(UTC))
    return replica
