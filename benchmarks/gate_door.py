"""A real gate controller in a process of its own, with a simulated relay and reader, and a clock on both."""

import logging
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.gate_directory import CREDENTIAL_KEY, GATE, People, card_of, fill

SITE = "benchmark"
_GRANT_S = 0.05
"""So short that the relay has fallen back before the next person comes."""
_OUTCOME_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """Everything the controller's process needs; keys as raw bytes, for they travel."""

    port: int
    folder: Path
    people: People
    key: bytes
    edge_key: bytes


class DoorProcess:
    """The controller, started when entered."""

    def __init__(self, plan: DoorPlan) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(plan, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        if not self._pipe.poll(60):
            raise RuntimeError("the controller does not start")
        self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.send(("stop", 0))
        self._process.join(10)

    def tap(self, number: int) -> float:
        """Let person `number` tap their card; return the seconds until the relay was energised (inf: it was not)."""
        return float(self._ask("tap", number))

    def openings(self) -> int:
        """Return how often the relay was energised so far."""
        return int(self._ask("openings", 0))

    def edge_online(self) -> bool:
        """Return whether the controller believes that an edge is there."""
        return bool(self._ask("edge_online", 0))

    def _ask(self, what: str, number: int) -> Any:
        self._pipe.send((what, number))
        return self._pipe.recv()


def _serve(plan: DoorPlan, pipe: Pipe) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from bus import BrokerAddress, Outbox
    from gate_controller.barrier_settings import DoorSettings
    from gate_controller.hardware import Hardware
    from gate_controller.memory import DoorMemory
    from gate_controller.readers.simulated import SimulatedReader
    from gate_controller.relays.simulated import SimulatedRelay
    from gate_controller.service import GateController
    from gate_controller.storage import Storage
    from messages import Action, GateTopics, NonceStore, TrustedKey, edge_sender

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    moved: list[float] = []
    relay = SimulatedRelay(lambda energised: moved.append(time.monotonic()) if energised else None)
    reader = SimulatedReader()
    replica = fill(plan.folder / "replica.db", plan.people, "cards")
    edge_key = TrustedKey(Ed25519PublicKey.from_public_bytes(plan.edge_key), frozenset({Action.OPEN, Action.DENY}))
    controller = GateController(
        GateTopics(SITE, GATE),
        BrokerAddress(port=plan.port),
        Hardware(relay, reader=reader),
        Storage(
            NonceStore(plan.folder / "nonces.db"),
            Outbox(plan.folder / "outbox.db"),
            DoorMemory(plan.folder / "door.db"),
        ),
        signing_key=Ed25519PrivateKey.from_private_bytes(plan.key),
        trusted={edge_sender(GATE): edge_key},
        credential_key=CREDENTIAL_KEY,
        settings=DoorSettings(grant_s=_GRANT_S, has_contact=False),
        directory=replica,
    )
    controller.start()
    controller.bus.wait_connected(10)
    pipe.send("ready")
    answers: dict[str, Callable[[int], object]] = {
        "openings": lambda _: len(moved),
        "edge_online": lambda _: controller._cards.edge_online,  # noqa: SLF001 - no message says it
        "tap": lambda number: _tap(reader, moved, number),
    }
    while (question := pipe.recv())[0] != "stop":
        pipe.send(answers[question[0]](question[1]))
    controller.stop()
    replica.close()


def _tap(reader: Any, moved: list[float], number: int) -> float:
    before = len(moved)
    presented = time.monotonic()
    outcome = reader.present(card_of(number)).get(timeout=_OUTCOME_WAIT_S)
    if not outcome.granted or len(moved) == before:
        return float("inf")
    return moved[before] - presented
