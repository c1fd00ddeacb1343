"""A gate that can be killed: one real controller in a process of its own, with a clock and a disk that can fail.

It taps cards by itself and tells its parent, through a pipe, every event, before and after the outbox has it, and
every movement of the relay. What it has told outlives it.
"""

import os
import random
import resource
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from access.passages import PassageLog
from access.replica import DirectorySync, Replica
from benchmarks.fault_history import Emitting, Entry, Kept, RelayMoved, Started
from benchmarks.fleet_campus import CREDENTIAL_KEY, SITE, Campus, card_of
from bus import Backoff, BrokerAddress, Outbox
from database import Sealer
from gate_controller.barrier_settings import DoorSettings
from gate_controller.hardware import Hardware
from gate_controller.memory import DoorMemory
from gate_controller.readers.simulated import SimulatedReader
from gate_controller.relays.simulated import SimulatedRelay
from gate_controller.service import GateController
from gate_controller.storage import Storage
from messages import Action, Event, GateTopics, NonceStore, TrustedKey, edge_sender
from tests.doubles.processes import PROCESSES, quiet

_GRANT_S = 0.05
_TAPS_PER_S = 1 / 0.15
_LOOKS_EACH_S = 0.1
"""For somebody who comes, where nobody does."""
_STEP_S = 0.02
_FULL_BYTES = 4096
"""No file can be written beyond here while the disk is "full"."""
_BACKOFF = Backoff(0.1, 0.5, 0.5)
_SEND_AGAIN_S = 3.0
"""Events are sent again five times as often as at a real gate: nobody waits for it, and the journal sees more twice."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Everything the process needs. The values are shared, without locks: a killed process would never let go."""

    gate: str
    folder: Path
    mqtt_port: int
    server_url: str
    token: str
    key: bytes
    edge_key: bytes
    cards: tuple[str, ...]
    clock_offset_s: Any
    disk_full: Any
    taps_per_s: Any
    waiting: Any
    in_memory: Any


class FaultGate:
    """The gate as its parent sees it."""

    def __init__(self, campus: Campus, gate: str, *, cards: Sequence[str] | None = None) -> None:
        """`cards` are tapped, any of them: else everybody's, and one that nobody has."""
        self.name = gate
        self.history: list[Entry] = []
        self._process: BaseProcess | None = None
        self._listener: threading.Thread | None = None
        self._plan = FaultPlan(
            gate,
            campus.folder / "gates" / gate,
            campus.mqtt_port,
            campus.server_url,
            campus.tokens[gate],
            campus.controller_key.private_bytes_raw(),
            campus.edge_key.public_key().public_bytes_raw(),
            tuple(cards or map(card_of, range(len(campus.people) + 1))),
            clock_offset_s=PROCESSES.Value("d", 0.0, lock=False),
            disk_full=PROCESSES.Value("b", 0, lock=False),
            taps_per_s=PROCESSES.Value("d", _TAPS_PER_S, lock=False),
            waiting=PROCESSES.Value("i", -1, lock=False),
            in_memory=PROCESSES.Value("i", 0, lock=False),
        )

    @property
    def waiting(self) -> int:
        """How many events have no receipt yet; -1 before the process has said so."""
        return int(self._plan.waiting.value)

    @property
    def in_memory(self) -> int:
        """How many of them are not on disk, because it was full."""
        return int(self._plan.in_memory.value)

    def start(self) -> None:
        """Start the controller; return at once."""
        ours, theirs = PROCESSES.Pipe(duplex=False)
        self._plan.waiting.value = -1
        process = PROCESSES.Process(target=_serve, args=(self._plan, theirs), daemon=True)
        process.start()
        self._process = process
        theirs.close()
        self._listener = threading.Thread(target=self._listen, args=(ours,), daemon=True)
        self._listener.start()

    def kill(self) -> None:
        """End the controller as a power cut does."""
        process, self._process = self._process, None
        if process is None or self._listener is None:
            return
        process.kill()
        process.join()
        self._listener.join()

    def check(self) -> None:
        """Raise RuntimeError when the controller has ended by itself."""
        process = self._process
        if process is not None and process.exitcode is not None and process is self._process:
            raise RuntimeError(f"the controller of {self.name} has ended by itself, code {process.exitcode}")

    def set_clock(self, offset_s: float) -> None:
        """Let the wall clock be wrong by so much."""
        self._plan.clock_offset_s.value = offset_s

    def fill_disk(self, *, full: bool) -> None:
        """Let writing to disk fail, or work again."""
        self._plan.disk_full.value = full

    def work(self, taps_per_s: float) -> None:
        """Let so many cards be tapped a second, on average."""
        self._plan.taps_per_s.value = taps_per_s

    def rest(self) -> None:
        """Let nobody tap any more."""
        self.work(0)

    def send(self, number: signal.Signals) -> None:
        """Send the controller a signal.

        Raises:
            RuntimeError: it does not run.
        """
        if self._process is None or self._process.pid is None:
            raise RuntimeError(f"the controller of {self.name} does not run")
        os.kill(self._process.pid, number)

    def _listen(self, pipe: Pipe) -> None:
        while True:
            try:
                self.history.append(pipe.recv())
            except (EOFError, OSError):
                return


class _Teller:
    """Tells the parent, in the order in which things happen."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def tell(self, entry: Entry) -> None:
        with self._lock:
            self._pipe.send(entry)


class _ToldOutbox(Outbox):
    """An outbox whose parent hears of every event before it is kept, and again when it is."""

    def __init__(self, path: Path, teller: _Teller) -> None:
        self._teller = teller
        super().__init__(path)

    def put(self, entry_id: UUID, topic: str, payload: bytes, at: datetime, *, valuable: bool = True) -> None:
        self._teller.tell(Emitting(Event.decode(payload), time.monotonic()))
        super().put(entry_id, topic, payload, at, valuable=valuable)
        self._teller.tell(Kept(entry_id))

    @property
    def in_memory(self) -> int:
        with self._lock:
            return len(self._memory)


class _WrongClock:
    """This machine's clocks, the wall clock moved."""

    def __init__(self, offset_s: Any) -> None:
        self._offset_s = offset_s

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset_s.value)

    def monotonic(self) -> float:
        return time.monotonic()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


def _serve(plan: FaultPlan, pipe: Pipe) -> None:
    quiet()
    teller = _Teller(pipe)
    teller.tell(Started())
    reader = SimulatedReader()
    outbox = _ToldOutbox(plan.folder / "outbox.db", teller)
    replica = Replica(plan.folder / "replica.db", Sealer(bytes(32)), gate=plan.gate, view="cards")
    wake = threading.Event()
    edge = TrustedKey(Ed25519PublicKey.from_public_bytes(plan.edge_key), frozenset({Action.OPEN, Action.DENY}))
    controller = GateController(
        GateTopics(SITE, plan.gate),
        BrokerAddress(port=plan.mqtt_port),
        Hardware(SimulatedRelay(lambda energised: teller.tell(RelayMoved(energised, time.monotonic()))), reader=reader),
        Storage(
            NonceStore(plan.folder / "nonces.db"),
            outbox,
            DoorMemory(plan.folder / "door.db"),
            PassageLog(plan.folder / "passes.db", Sealer(bytes(32)), gate=plan.gate),
        ),
        signing_key=Ed25519PrivateKey.from_private_bytes(plan.key),
        trusted={edge_sender(plan.gate): edge},
        credential_key=CREDENTIAL_KEY,
        settings=DoorSettings(grant_s=_GRANT_S, has_contact=False),
        directory=replica,
        on_directory_hint=lambda _revision: wake.set(),
        clock=_WrongClock(plan.clock_offset_s),
        backoff=_BACKOFF,
        send_again_s=_SEND_AGAIN_S,
    )
    controller.bus.on_connect(wake.set)
    controller.start()
    sync = DirectorySync(plan.server_url, plan.gate, plan.token, replica, interval=timedelta(seconds=2))
    threading.Thread(target=sync.run, args=(threading.Event(), wake), daemon=True).start()
    threading.Thread(target=_tap, args=(plan, reader), daemon=True).start()
    was_full = False
    while True:
        plan.in_memory.value = outbox.in_memory
        plan.waiting.value = len(outbox)
        if was_full != bool(plan.disk_full.value):
            was_full = not was_full
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (_FULL_BYTES if was_full else most, most))
        time.sleep(_STEP_S)


def _tap(plan: FaultPlan, reader: SimulatedReader) -> None:
    chance = random.Random()  # noqa: S311 - a crowd, no secret
    while True:
        taps_per_s = plan.taps_per_s.value
        if taps_per_s <= 0:
            time.sleep(_LOOKS_EACH_S)
            continue
        # Whoever waits has no memory: a long pause may be drawn anew, and another pace is heeded at once.
        pause_s = chance.expovariate(taps_per_s)
        time.sleep(min(pause_s, _LOOKS_EACH_S))
        if pause_s <= _LOOKS_EACH_S:
            reader.present(chance.choice(plan.cards))
