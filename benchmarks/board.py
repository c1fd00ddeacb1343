"""The live pages: does every open wall and board hear of every event, how soon, and what does one cost?

    python -m benchmarks.board [--clients N] [--gates N] [--rate N] [--seconds S] [--json]

The real server on PostgreSQL where that is installed, else SQLite; Mosquitto where installed, else the embedded broker.
Half of the clients are boards, which are sent names, the others walls, which are not; each reads its own connection of
server-sent events to its end. Gates send events through the broker, and with each the state of their door. A delay is
from the time in the event, by the gate's clock, to the moment the client has read it; all share the machine's clock.
Lost is an event of the journal that a client was not sent although it was live before the event happened.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select

from benchmarks.board_clients import ClientsProcess, Opened, Seen
from benchmarks.fleet_campus import (
    SITE,
    STAFF_NUMBER,
    BrokerProcess,
    Campus,
    ServerProcess,
    database_url,
    percentiles_ms,
    wait_until,
)
from benchmarks.process_usage import processor_s, resident_kb
from benchmarks.report import Report, budget, present
from bus import BrokerAddress, Connection
from database import Database, new_id
from messages import Availability, DoorState, Event, GateTopics, ProcessStatus
from messages.status import DoorStatus
from operations.tables import GateEvent
from tests.doubles.processes import quiet

_CLIENTS_PER_PROCESS = 250
_SIGN_INS = 20
_SETTLE_S = 60.0
_IDLE_S = 5.0
"""How long the pages are open before memory is read: every one has had its first beat."""


@dataclass
class Gates:
    """Gates that only speak: one connection publishes for all of them."""

    bus: Connection
    names: Sequence[str]
    boots: dict[str, UUID] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)

    def appear(self) -> None:
        """Say that every gate is there, and locked."""
        for name in self.names:
            self.boots[name], self.sequences[name] = new_id(), 0
            there = Availability(gate=name, status=ProcessStatus.ONLINE, boot_id=self.boots[name])
            self.bus.publish(GateTopics(SITE, name).availability, there.encode(), retain=True)
            self._say_state(name, DoorStatus.LOCKED)

    def work(self, rate: float, seconds: float) -> int:
        """Send `rate` events a second, and return how many were sent; who is late catches up."""
        chosen, begun = random.Random(1), time.monotonic()  # noqa: S311 - nobody is to be surprised
        total = round(rate * seconds)
        for number in range(total):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            name = chosen.choice(self.names)
            is_grant = number % 2 == 0
            event = Event(
                id=new_id(),
                gate=name,
                at=datetime.now(UTC),
                kind="access_granted" if is_grant else "passed",
                method="card",
                granted=is_grant or None,
                reason="granted" if is_grant else None,
                details={},
            )
            self.bus.publish(GateTopics(SITE, name).events, event.encode())
            self._say_state(name, DoorStatus.GRANTED if is_grant else DoorStatus.LOCKED)
        return total

    def _say_state(self, name: str, state: DoorStatus) -> None:
        self.sequences[name] += 1
        told = DoorState(
            gate=name,
            boot_id=self.boots[name],
            sequence=self.sequences[name],
            at=datetime.now(UTC),
            state=state,
            unlocked=state is DoorStatus.GRANTED,
        )
        self.bus.publish(GateTopics(SITE, name).state, told.encode(), retain=True)


def sign_in(campus: Campus) -> str:
    """Return the cookies of a member of staff who signed in on the pages."""
    form = {"number": STAFF_NUMBER, "password": campus.staff_password}
    headers = {"Origin": campus.server_url}
    answer = httpx.post(f"{campus.server_url}/console/sign-in", data=form, headers=headers, timeout=30)
    if answer.is_error:
        answer.raise_for_status()
    return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


def count_stored(database: Database) -> int:
    """Return how many events are in the journal."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(GateEvent)) or 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run has brought."""

    broker: str
    database: str
    gates: int
    rate: float
    sent: int
    stored: set[int]
    """Sequence numbers of what happened once every page was live."""
    arrival_s: Sequence[float]
    """From the gate's clock to the server's, when it began to write the event down."""
    seen: Sequence[Seen]
    idle_kb: int
    open_kb: int
    busy_kb: int
    server_share: float
    """Processor time of the server for each second of work."""

    def report(self) -> Report:
        """Judge it."""
        lost = sum(len(self.stored - set(one.sequences)) for one in self.seen)
        twice = sum(len(one.sequences) - len(set(one.sequences)) for one in self.seen)
        delay = percentiles_ms([each for one in self.seen for each in one.delays_s])
        number = len(self.seen)
        figures: dict[str, Any] = {
            "broker": self.broker,
            "database": self.database,
            "clients": number,
            "gates": self.gates,
            "events_a_second": self.rate,
            "events": {"sent": self.sent, "stored": len(self.stored)},
            "received": sum(len(one.sequences) for one in self.seen),
            "lost": lost,
            "twice": twice,
            "ended": [one.ended for one in self.seen if one.ended],
            "gate_to_client_ms": delay,
            "gate_to_server_ms": percentiles_ms(self.arrival_s),
            "memory_mb": {
                "without_clients": self.idle_kb / 1024,
                "opened": self.open_kb / 1024,
                "busy": self.busy_kb / 1024,
            },
            "memory_a_client_kb": (self.open_kb - self.idle_kb) / number,
            "memory_a_busy_client_kb": (self.busy_kb - self.idle_kb) / number,
            "server_processor_share": self.server_share,
            "kb_a_client": sum(one.bytes for one in self.seen) / number / 1024,
        }
        budgets = [
            budget("events not in the journal", self.sent - len(self.stored), "at most", 0),
            budget("events lost", lost, "at most", 0),
            budget("events sent twice", twice, "at most", 0),
            budget("streams that ended", sum(one.ended is not None for one in self.seen), "at most", 0),
            budget("gate to client p99, ms", delay["p99"], "at most", 1000),
        ]
        return Report("board", figures, budgets)


def measure(client_count: int, gate_count: int, rate: float, seconds: float, *, postgresql: bool = True) -> Report:
    """Open the pages, let the gates work, and judge what arrived."""
    quiet()
    names = tuple(f"gate-{number:03}" for number in range(1, gate_count + 1))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-board-")))
        url = stack.enter_context(database_url(folder, postgresql=postgresql))
        # All of them come from one address here.
        campus = Campus(folder, url, names, settings={"web": {"requests_per_address": client_count + 100}})
        campus.populate(1)
        broker = stack.enter_context(BrokerProcess(folder, campus.mqtt_port))
        server = stack.enter_context(ServerProcess(campus))
        server.wait()
        bus = Connection(BrokerAddress(port=campus.mqtt_port), "gates")
        bus.start()
        stack.callback(bus.stop)
        bus.wait_connected(10)
        gates = Gates(bus, names)
        gates.appear()
        cookies = [sign_in(campus) for _ in range(_SIGN_INS)]
        idle_kb = resident_kb(server.pid)
        pages = [
            Opened("/console/stream" if number % 2 else "/console/wall/stream", cookies[number % _SIGN_INS])
            for number in range(client_count)
        ]
        processes = [
            stack.enter_context(ClientsProcess(campus.server_url, pages[first : first + _CLIENTS_PER_PROCESS]))
            for first in range(0, client_count, _CLIENTS_PER_PROCESS)
        ]
        for process in processes:
            process.wait_live()
        time.sleep(_IDLE_S)
        open_kb = resident_kb(server.pid)
        journal = Database(url)
        stack.callback(journal.close)
        before = count_stored(journal)
        begun_s, begun = processor_s(server.pid), time.monotonic()
        sent = gates.work(rate, seconds)
        server_share = (processor_s(server.pid) - begun_s) / (time.monotonic() - begun)
        wait_until(lambda: count_stored(journal) >= before + sent, "every event in the journal", _SETTLE_S)
        time.sleep(_IDLE_S)
        busy_kb = resident_kb(server.pid)
        seen = [one for process in processes for one in process.stop()]
        with journal.read() as session:
            rows = session.execute(select(GateEvent.sequence, GateEvent.at, GateEvent.received_at)).all()
        return Measured(
            broker=broker.name,
            database="postgresql" if url.startswith("postgresql") else "sqlite",
            gates=gate_count,
            rate=rate,
            sent=sent,
            stored={row.sequence for row in rows},
            arrival_s=[(row.received_at - row.at).total_seconds() for row in rows],
            seen=seen,
            idle_kb=idle_kb,
            open_kb=open_kb,
            busy_kb=busy_kb,
            server_share=server_share,
        ).report()


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.board", description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--gates", type=int, default=200)
    parser.add_argument("--rate", type=float, default=100.0, help="events a second, of all gates together")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--sqlite", action="store_true", help="SQLite, also where PostgreSQL is installed")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if min(given.clients, given.gates) < 1 or min(given.seconds, given.rate) <= 0:
        parser.error("clients, gates, rate and seconds must be positive")
    measured = measure(given.clients, given.gates, given.rate, given.seconds, postgresql=not given.sqlite)
    return present(measured, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
