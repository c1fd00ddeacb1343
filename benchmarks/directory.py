"""The first directory of 30,000 people, and one revocation: real HTTP server, real replica, a process for the edge.

People, cards and templates (unit vectors of 192 dimensions) are made up. The server publishes them first, which is
timed and not part of the budget; then a fresh process stands for the edge: it fetches everything, builds the gallery
and reports its own time and peak memory. Last, people are suspended one by one; the time is from the commit to the
moment the edge's replica refuses them, through the publisher, a hint and HTTP.
"""

import argparse
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.crowd import insert_people
from benchmarks.process_usage import peak_mb
from benchmarks.report import Report, budget, present
from web.routes import add_routes

GATE = "main"
MODEL = "synthetic-1"
DIMENSION = 192
_KEY = b"k" * 32


@dataclass(frozen=True, slots=True)
class _Order:
    """What the edge's process is told."""

    url: str
    token: str
    folder: Path
    watched: tuple[UUID, ...]


def main() -> int:
    """Run it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.directory", description=__doc__)
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--revocations", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    report = measure(given.people, given.revocations)
    return present(report, as_json=given.json)


def measure(people: int, revocations: int) -> Report:
    """Return the figures for so many people."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        campus = Campus(f"sqlite:///{folder / 'server.db'}", people)
        published_s = campus.publish()
        url = campus.serve(stack)
        ours, theirs = context.Pipe()
        hint = context.Event()
        watched = tuple(campus.people[:revocations])
        order = _Order(url, campus.token, folder, watched)
        edge = context.Process(target=_edge, args=(order, theirs, hint), daemon=True)
        edge.start()
        stack.callback(edge.join)
        stack.callback(edge.kill)
        first = _receive(ours)
        lags = campus.revoke(watched, ours, hint, stack)
        last = _receive(ours)
    memory_mb = last["peak_mb"]
    ordered = sorted(lags)
    p99_ms = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))] * 1000
    return Report(
        "directory",
        {
            "people": people,
            "first_directory_s": first["seconds"],
            "people_per_s": people / first["seconds"],
            "restart_s": last["restart_s"],
            "edge_peak_mb": memory_mb,
            "edge_memory_before_mb": first["before_mb"],
            "replica_file_mb": last["file_mb"],
            "publication_s": published_s,
            "revocations": revocations,
            "revocation_p50_ms": ordered[len(ordered) // 2] * 1000,
            "revocation_p99_ms": p99_ms,
            "rebuilds": last["rebuilds"],
        },
        [
            budget("first directory of 30,000 people, s", first["seconds"] * max(1.0, 30_000 / people), "at most", 6),
            budget("peak memory of the edge's process, MB", memory_mb, "at most", 250),
            budget("revocation to refusal p99, ms", p99_ms, "at most", 2000),
        ],
    )


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which cards are digested, and templates sealed."""

    credentials: bytes = field(repr=False)
    templates: bytes = field(repr=False)


_KEYS = Keys(_KEY, _KEY)


class Campus:
    """The server: an SQLite database with synthetic people, the publisher, and the API behind uvicorn."""

    def __init__(self, url: str, people: int, gate_names: Sequence[str] = (GATE,), *, keys: Keys = _KEYS) -> None:
        """Enrol so many people of one group, whom all gates let pass; the first of them has an edge."""
        from access.policy import GatePolicy, Rule
        from accounts import devices
        from accounts.vocabulary import DeviceRole
        from database import Database, Sealer
        from database.migrate import upgrade
        from directory import gates
        from directory.publisher import Publisher

        self.database = Database(url, credential_key=keys.credentials)
        upgrade(self.database)
        self.sealer = Sealer(keys.templates)
        now = datetime.now(UTC)
        with self.database.begin() as session:
            for gate in gate_names:
                policy = GatePolicy(gate=gate, rules=(Rule(group="students"),))
                gates.add(session, policy, title=gate, by="system", now=now)
            gate = gate_names[0]
            _, self.token = devices.add(session, name="edge", role=DeviceRole.EDGE, gate=gate, by="system", now=now)
        self.people = self._enrol(people, now)
        self.hint: Event | None = None
        self.publisher = Publisher(self.database, self.sealer, model_id=MODEL, notify=lambda *_: self._tell())

    def publish(self) -> float:
        """Publish everybody, and return the seconds it took."""
        begun = time.perf_counter()
        self.publisher.publish()
        return time.perf_counter() - begun

    def serve(self, stack: ExitStack) -> str:
        """Start the API, and return its address."""
        import uvicorn
        from fastapi import FastAPI

        import directory.api
        from accounts.services import AccountsServices
        from directory.services import DirectoryServices

        app = FastAPI()
        app.state.accounts = AccountsServices(database=self.database, secret=_KEY)
        app.state.directory = DirectoryServices(self.database, self.sealer, _KEY)
        add_routes(app, directory.api.router)
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join()

        stack.callback(end)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    def revoke(self, people: tuple[UUID, ...], edge: Connection, hint: Event, stack: ExitStack) -> list[float]:
        """Suspend one after the other, and return the seconds until the edge refused each."""
        from accounts import people as accounts
        from accounts.tables import Person
        from accounts.vocabulary import PersonState

        self.hint = hint
        stop, wake = threading.Event(), threading.Event()
        thread = threading.Thread(target=self.publisher.run, args=(stop, wake), daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            wake.set()
            thread.join()

        stack.callback(end)
        lags = []
        for person in people:
            with self.database.begin() as session:
                record = session.get_one(Person, person)
                accounts.set_state(session, record, PersonState.SUSPENDED, by="system", now=datetime.now(UTC))
            committed = time.monotonic()
            answer = _receive(edge)
            if answer["person"] != person:
                raise RuntimeError(f"the edge refused {answer['person']}, not {person}")
            # Both processes read the machine's one monotonic clock.
            lags.append(answer["at"] - committed)
        return lags

    def _enrol(self, count: int, now: datetime) -> list[UUID]:
        """Write people and what is theirs as rows; the ways the accounts offer would take minutes."""
        import numpy as np

        from database import new_id
        from enrollment import templates
        from models.template import Template

        random = np.random.default_rng(20260901)
        ids = [new_id() for _ in range(count)]
        for start in range(0, count, 2000):
            part = ids[start : start + 2000]
            vectors = random.normal(size=(len(part), DIMENSION)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            with self.database.begin() as session:
                insert_people(
                    session,
                    part,
                    now,
                    number_of=lambda number: f"{number:08}",
                    uid_of=lambda number: f"{number:014X}",
                    groups_of=lambda _: ("students",),
                    first=start,
                )
                for person, vector in zip(part, vectors, strict=True):
                    templates.store(session, self.sealer, person, Template(MODEL, vector), at=now)
        return ids

    def _tell(self) -> None:
        if self.hint is not None:
            self.hint.set()


def _edge(order: _Order, pipe: Connection, hint: Event) -> None:
    """The edge's side: first directory, gallery, then wait for each revocation, then a restart from the file."""
    import structlog

    from access.replica import DirectorySync, Replica
    from database.sealing import Sealer

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sealer = Sealer(b"e" * 32)
    path = order.folder / "replica.db"
    before = peak_mb(os.getpid())
    begun = time.perf_counter()
    replica = Replica(path, sealer, gate=GATE, models=(MODEL,))
    sync = DirectorySync(order.url, GATE, order.token, replica)
    sync.run_once()
    rows = len(replica.gallery().matrix)
    pipe.send({"seconds": time.perf_counter() - begun, "before_mb": before, "rows": rows})

    for person in order.watched:
        while (entry := replica.person(person)) is not None and not entry.suspended:
            hint.wait(timeout=5)
            hint.clear()
            sync.run_once()
        pipe.send({"person": person, "at": time.monotonic()})
    rebuilds = sync.status.rebuilds
    sync.close()
    replica.close()
    begun = time.perf_counter()
    replica = Replica(path, sealer, gate=GATE, models=(MODEL,))
    replica.gallery()
    restart_s = time.perf_counter() - begun
    replica.close()
    file_mb = path.stat().st_size / 2**20
    pipe.send({"restart_s": restart_s, "peak_mb": peak_mb(os.getpid()), "file_mb": file_mb, "rebuilds": rebuilds})


def _receive(pipe: Connection) -> dict[str, Any]:
    if not pipe.poll(300):
        raise RuntimeError("the edge's process does not answer")
    answer: dict[str, Any] = pipe.recv()
    return answer


if __name__ == "__main__":
    sys.exit(main())
