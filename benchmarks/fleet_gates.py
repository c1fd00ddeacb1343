"""Some gates of a fleet in one process: real controllers with a real replica, simulated relays and readers."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from access.passages import PassageLog, PassageSync
from access.replica import DirectorySync, Replica
from access.snapshot import ChangePage
from benchmarks.fleet_campus import CREDENTIAL_KEY, SITE, Campus, card_of
from bus import BrokerAddress, Outbox
from database import Sealer
from gate_controller.barrier_settings import DoorSettings
from gate_controller.hardware import Hardware
from gate_controller.memory import DoorMemory
from gate_controller.readers.simulated import SimulatedReader
from gate_controller.relays.simulated import SimulatedRelay
from gate_controller.service import GateController
from gate_controller.storage import Storage
from messages import Action, GateTopics, NonceStore, TrustedKey, edge_sender
from messages.signed_codes import STAFF_SENDER
from tests.doubles.processes import PROCESSES, quiet

_GRANT_S = 0.05
"""So short that the relay has fallen back before the next person comes."""
_OUTCOME_WAIT_S = 10.0
_READY_S = 180.0


@dataclass(frozen=True, slots=True)
class GatesPlan:
    """Everything the process needs; keys as raw bytes, for they travel."""

    folder: Path
    mqtt_port: int
    server_url: str
    tokens: dict[str, str]
    key: bytes
    edge_key: bytes
    staff_key: bytes
    cards: tuple[str, ...] = (card_of(0),)
    """Tapped in turn, of people who keep theirs."""

    @classmethod
    def of(cls, campus: Campus, gates: tuple[str, ...], *, cards: tuple[str, ...] = (card_of(0),)) -> "GatesPlan":
        """Plan a process for `gates` of `campus`, whose server's settings were made."""
        assert campus.staff_key is not None  # noqa: S101 - see above
        return cls(
            campus.folder / "gates",
            campus.mqtt_port,
            campus.server_url,
            {gate: campus.tokens[gate] for gate in gates},
            campus.controller_key.private_bytes_raw(),
            campus.edge_key.public_key().public_bytes_raw(),
            campus.staff_key.public_key().public_bytes_raw(),
            cards,
        )


class GatesProcess:
    """The process, started when entered; its gates are in step with the server once `wait_ready` has returned."""

    def __init__(self, plan: GatesPlan) -> None:
        self._pipe, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=_serve, args=(plan, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._pipe.send(("stop", None))
            self._process.join(30)
        self._process.kill()

    def wait_ready(self) -> None:
        """Return when every gate is connected and has its directory."""
        if not self._pipe.poll(_READY_S):
            raise RuntimeError("gates do not start")
        self._pipe.recv()

    def watch(self, number: int) -> None:
        """Let every gate try person `number`'s card after each change of its directory, until it is refused."""
        self._ask("watch", number)

    def refused_at(self) -> dict[str, float]:
        """Return when (monotonic seconds) each gate refused the card that is watched, for those that did."""
        found: dict[str, float] = self._ask("refused_at", None)
        return found

    def work(self, taps_per_s: float) -> None:
        """Begin to tap cards, so many a second at all these gates together; 0 ends it."""
        self._ask("work", taps_per_s)

    def moved(self, since: float, until: float, *, energises: bool) -> float:
        """Return when the last of these gates' relays was energised or released between two moments (monotonic s).

        A relay that stood so all the time counts as `since`; inf: one is not as it should be.
        """
        return float(self._ask("moved", (since, until, energises)))

    def tap_latencies(self) -> list[float]:
        """Return the seconds from tap to relay of every tap so far (inf: refused)."""
        return [latency_s for _, latency_s in self.taps()]

    def taps(self) -> list[tuple[float, float]]:
        """Return when (monotonic seconds) each card was tapped, and the seconds until the relay (inf: refused)."""
        found: list[tuple[float, float]] = self._ask("taps", None)
        return found

    def emitted(self) -> set[UUID]:
        """Return the ids of all events so far."""
        found: set[UUID] = self._ask("emitted", None)
        return found

    def waiting(self) -> int:
        """Return how many events have no receipt yet."""
        return int(self._ask("waiting", None))

    def _ask(self, what: str, value: Any) -> Any:
        self._pipe.send((what, value))
        return self._pipe.recv()


class CountedOutbox(Outbox):
    """An outbox that remembers the ids of everything put into it."""

    def __init__(self, path: Path) -> None:
        self.ids: set[UUID] = set()
        super().__init__(path)

    def put(self, entry_id: UUID, topic: str, payload: bytes, at: datetime, *, valuable: bool = True) -> None:
        """Add an entry."""
        super().put(entry_id, topic, payload, at, valuable=valuable)
        self.ids.add(entry_id)


class _WatchedReplica(Replica):
    """A replica that says when it has changed."""

    applied: Callable[[], None] = staticmethod(lambda: None)

    def apply(self, page: ChangePage, at: datetime) -> bool:
        whole = super().apply(page, at)
        self.applied()
        return whole


class _Gate:
    """One controller with its files, its directory, and a hand that holds cards to its reader."""

    def __init__(self, plan: GatesPlan, gate: str) -> None:
        folder = plan.folder / gate
        self.name = gate
        self.outbox = CountedOutbox(folder / "outbox.db")
        self.replica = _WatchedReplica(folder / "replica.db", Sealer(bytes(32)), gate=gate, view="cards")
        self.replica.applied = self._try_watched
        self.watched: str | None = None
        self.refused_at: float | None = None
        self._reader = SimulatedReader()
        self._moved = 0.0
        self._movements = [(0.0, False)]
        self._hand = threading.Lock()
        self._stop, self._wake, self._passages = threading.Event(), threading.Event(), threading.Event()
        self._passage_log = PassageLog(folder / "passes.db", Sealer(bytes(32)), gate=gate)
        edge = TrustedKey(Ed25519PublicKey.from_public_bytes(plan.edge_key), frozenset({Action.OPEN, Action.DENY}))
        staff = TrustedKey(Ed25519PublicKey.from_public_bytes(plan.staff_key))
        trusted = {edge_sender(gate): edge, STAFF_SENDER: staff}
        self._controller = GateController(
            GateTopics(SITE, gate),
            BrokerAddress(port=plan.mqtt_port),
            Hardware(SimulatedRelay(self._relay_moved), reader=self._reader),
            Storage(NonceStore(folder / "nonces.db"), self.outbox, DoorMemory(folder / "door.db"), self._passage_log),
            signing_key=Ed25519PrivateKey.from_private_bytes(plan.key),
            trusted=trusted,
            credential_key=CREDENTIAL_KEY,
            settings=DoorSettings(grant_s=_GRANT_S, has_contact=False),
            directory=self.replica,
            on_directory_hint=lambda _revision: self._wake.set(),
            on_passages_hint=lambda _revision: self._passages.set(),
        )
        self._controller.bus.on_connect(self._wake.set)
        # Not with a checkout of November 2026 or earlier, measured by `benchmarks.against`.
        if hasattr(PassageLog, "confirm"):
            from campusgate.processes.zone_heartbeats import ZoneHeartbeatHandler

            heard = ZoneHeartbeatHandler(SITE, trusted, self.replica, self._passage_log, ask=self._passages.set)
            self._controller.bus.subscribe(GateTopics(SITE, gate).zone_heartbeat, heard, qos=0)
        self._sync = DirectorySync(plan.server_url, gate, plan.tokens[gate], self.replica)
        self._passage_sync = PassageSync(plan.server_url, gate, plan.tokens[gate], self.replica, self._passage_log)
        self._threads = [
            threading.Thread(target=self._sync.run, args=(self._stop, self._wake), daemon=True),
            threading.Thread(target=self._passage_sync.run, args=(self._stop, self._passages), daemon=True),
        ]

    def start(self) -> None:
        """Start controller and synchronisation."""
        self._controller.start()
        for thread in self._threads:
            thread.start()

    def is_ready(self) -> bool:
        """Whether it is connected and knows people."""
        return self._controller.bus.connected and self.replica.count() > 0

    def tap(self, card: str) -> float:
        """Hold a card to the reader; return the seconds until the relay was energised (inf: refused)."""
        with self._hand:
            presented = time.monotonic()
            outcome = self._reader.present(card).get(timeout=_OUTCOME_WAIT_S)
            return self._moved - presented if outcome.granted else float("inf")

    def moved(self, since: float, until: float, *, energises: bool) -> float:
        """Return when the relay was last energised (or released) between two moments; see `GatesProcess.moved`."""
        before = [energised for at, energised in self._movements if at < since]
        within = [at for at, energised in self._movements if since <= at <= until and energised is energises]
        if within:
            return within[-1]
        return since if before[-1] is energises else float("inf")

    def stop(self) -> None:
        """Stop everything."""
        self._stop.set()
        self._wake.set()
        self._passages.set()
        for thread in self._threads:
            thread.join()
        self._controller.stop()
        self._passage_sync.close()
        self._sync.close()
        self.replica.close()

    def _try_watched(self) -> None:
        if self.watched is not None and self.refused_at is None and self.tap(self.watched) == float("inf"):
            self.refused_at = time.monotonic()

    def _relay_moved(self, energised: bool) -> None:
        at = time.monotonic()
        self._movements.append((at, energised))
        if energised:
            self._moved = at


class _Worker:
    """Taps cards at the gates in turn, of people who keep theirs."""

    def __init__(self, gates: list[_Gate], cards: tuple[str, ...]) -> None:
        self._gates = gates
        self._cards = cards
        self._turn = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.latencies: list[tuple[float, float]] = []

    def work(self, taps_per_s: float) -> None:
        """Work at this pace; 0 ends it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if taps_per_s > 0:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, args=(1 / taps_per_s,), daemon=True)
            self._thread.start()

    def _run(self, pause_s: float) -> None:
        generator = np.random.default_rng(7)
        while not self._stop.wait(pause_s * generator.exponential()):
            gate = self._gates[self._turn % len(self._gates)]
            presented = time.monotonic()
            self.latencies.append((presented, gate.tap(self._cards[self._turn // len(self._gates) % len(self._cards)])))
            self._turn += 1


def _serve(plan: GatesPlan, pipe: Pipe) -> None:
    quiet()
    gates = [_Gate(plan, name) for name in plan.tokens]
    worker = _Worker(gates, plan.cards)
    with ExitStack() as stack:
        for gate in gates:
            gate.start()
            stack.callback(gate.stop)
        while not all(gate.is_ready() for gate in gates):
            time.sleep(0.05)
        pipe.send("ready")

        def watch(number: int) -> None:
            for gate in gates:
                gate.watched, gate.refused_at = card_of(number), None

        answers: dict[str, Callable[[Any], object]] = {
            "watch": watch,
            "refused_at": lambda _: {gate.name: gate.refused_at for gate in gates if gate.refused_at is not None},
            "work": worker.work,
            "moved": lambda asked: max(gate.moved(*asked[:2], energises=asked[2]) for gate in gates),
            "taps": lambda _: list(worker.latencies),
            "emitted": lambda _: set().union(*(gate.outbox.ids.copy() for gate in gates)),
            "waiting": lambda _: sum(len(gate.outbox) for gate in gates),
        }
        while (question := pipe.recv())[0] != "stop":
            pipe.send(answers[question[0]](question[1]))
        worker.work(0)
