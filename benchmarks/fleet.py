"""A fleet of gates: how soon a lost card is refused everywhere, whether every event arrives, how fast doors open.

    python -m benchmarks.fleet [--gates N] [--seconds S] [--revocations N] [--json]

Real controllers with simulated relays and readers, ten to a process, each with its replica and its synchronisation;
the real server on PostgreSQL where that is installed, else SQLite; Mosquitto where installed, else the embedded
broker. While cards are tapped at all gates and commands are sent, cards are reported as lost through the server's
API; the lag of a gate is from the beginning of that request until its reader has refused the card. At the end every
event that a gate has put on its disk is looked up in the server's journal. All times are of the machine's monotonic
clock, which its processes share.

All gates lead into one zone with an occupancy limit, so each asks the server who passed the others. Now and then staff
order something at every gate at once; such an order is measured from the request to the last relay's movement, and to
the answer that says that every gate has signed for it.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from benchmarks.fleet_campus import (
    STAFF_NUMBER,
    BrokerProcess,
    Campus,
    ServerProcess,
    database_url,
    percentiles_ms,
    wait_until,
)
from benchmarks.fleet_gates import GatesPlan, GatesProcess
from benchmarks.fleet_orders import Commander, Ordered, order
from benchmarks.report import Report, budget, present
from bus import BrokerAddress, Connection
from campusgate.demo.staff import Staff
from database import Database
from messages import NonceStore
from operations.tables import GateEvent
from tests.doubles.processes import quiet

_GATES_PER_PROCESS = 10
_TAPS_PER_S = 0.2
"""At each gate: one person every five seconds."""
_LAG_WAIT_S = 30.0
_LAST_ORDERS = (("lockdown", None), ("release", None), ("evacuate", True), ("release", False))
"""Given when nobody passes any more, with what each does to the relays."""
_ORDER_EVERY = 3
"""Revocations between two orders of staff while people pass."""
_SETTLE_S = 90.0
"""An event whose receipt was lost is sent again after 15 to 30 s."""


def revoke(campus: Campus, staff: Staff, processes: Sequence[GatesProcess], number: int) -> dict[str, float]:
    """Report person `number`'s card as lost; return each gate's seconds until its reader refused it (inf: never)."""
    for process in processes:
        process.watch(number)
    reported = time.monotonic()
    staff.report_lost(campus.people[number])
    refused: dict[str, float] = {}
    while len(refused) < len(campus.gates) and time.monotonic() < reported + _LAG_WAIT_S:
        time.sleep(0.1)
        for process in processes:
            refused |= process.refused_at()
    return {gate: refused.get(gate, float("inf")) - reported for gate in campus.gates}


def journal(url: str) -> tuple[Counter[UUID], int]:
    """Return how often each event is in the journal, and how many decisions about a tap are there more than once."""
    database = Database(url)
    try:
        with database.read() as session:
            rows = session.execute(select(GateEvent.id, GateEvent.tap_id, GateEvent.kind)).all()
    finally:
        database.close()
    decisions = Counter((tap, kind) for _, tap, kind in rows if tap is not None and kind.startswith("access_"))
    return Counter(event for event, _, _ in rows), sum(count - 1 for count in decisions.values())


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run has brought: seconds, ids, and what the journal holds of them."""

    broker: str
    database: str
    lags: Sequence[dict[str, float]]
    emitted: set[UUID]
    journal: tuple[Counter[UUID], int]
    taps: Sequence[float]
    commands: Sequence[float]
    orders: Sequence[Ordered]

    def report(self) -> Report:
        """Judge it."""
        stored, decided_twice = self.journal
        lag = percentiles_ms([each for one in self.lags for each in one.values()])
        lost = len(self.emitted - stored.keys())
        twice = sum(count - 1 for count in stored.values()) + decided_twice
        tap, command = percentiles_ms(self.taps), percentiles_ms(self.commands)
        answered = percentiles_ms([one.answered_s for one in self.orders])
        moved = percentiles_ms([one.moved_s for one in self.orders if one.moved_s is not None])
        gates = self.lags[0]
        figures = {
            "broker": self.broker,
            "database": self.database,
            "gates": len(gates),
            "revocations": len(self.lags),
            "revocation_lag_ms": lag,
            "revocation_lag_ms_by_gate": {gate: percentiles_ms([one[gate] for one in self.lags]) for gate in gates},
            "events": {
                "emitted": len(self.emitted),
                "stored": len(self.emitted & stored.keys()),
                "lost": lost,
                "twice": twice,
            },
            "taps": len(self.taps),
            "tap_to_relay_ms": tap,
            "commands": len(self.commands),
            "command_to_relay_ms": command,
            "staff_orders_everywhere": len(self.orders),
            "staff_order_to_last_relay_ms": moved,
            "staff_order_to_last_answer_ms": answered,
        }
        budgets = [
            budget("report of a lost card to refusal p99, ms", lag["p99"], "at most", 2000),
            budget("events lost", lost, "at most", 0),
            budget("events stored twice", twice, "at most", 0),
            budget("card tap to relay without an edge p99, ms", tap["p99"], "at most", 300),
            budget("command to relay p99, ms", command["p99"], "at most", 1000),
            budget("staff order to the last of all relays, longest, ms", moved["max"], "at most", 1000),
            budget("staff order to the last of all answers, longest, ms", answered["max"], "at most", 1000),
        ]
        return Report("fleet", figures, budgets)


def measure(gate_count: int, seconds: float, revocations: int, *, postgresql: bool = True) -> Report:
    """Run a fleet for so long."""
    quiet()
    gates = tuple(f"gate-{number:02}" for number in range(1, gate_count + 1))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-fleet-")))
        url = stack.enter_context(database_url(folder, postgresql=postgresql))
        campus = Campus(folder, url, gates)
        campus.populate(revocations + 2)
        broker = stack.enter_context(BrokerProcess(folder, campus.mqtt_port))
        server = stack.enter_context(ServerProcess(campus))
        server.wait()
        processes = [
            stack.enter_context(GatesProcess(GatesPlan.of(campus, gates[first : first + _GATES_PER_PROCESS])))
            for first in range(0, gate_count, _GATES_PER_PROCESS)
        ]
        for process in processes:
            process.wait_ready()
        bus = Connection(BrokerAddress(port=campus.mqtt_port), "commander")
        nonces = NonceStore(folder / "nonces.db")
        stack.callback(nonces.close)
        commander = Commander(campus, bus, nonces)
        bus.start()
        stack.callback(bus.stop)
        bus.wait_connected(10)
        wait_until(lambda: commander.knows(gates), "every gate tells its state", 30)
        staff = Staff(campus.server_url, STAFF_NUMBER, campus.staff_password)
        stack.callback(staff.close)

        stop = threading.Event()
        commands = threading.Thread(target=commander.run, args=(stop,), daemon=True)
        commands.start()
        for process in processes:
            process.work(_TAPS_PER_S * gate_count / len(processes))
        begun = time.monotonic()
        lags, orders = [], []
        for number in range(1, revocations + 1):
            lags.append(revoke(campus, staff, processes, number))
            if number % _ORDER_EVERY == 0:
                orders.append(order(staff, processes, "open", energises=True))
            time.sleep(max(0.0, begun + number * seconds / revocations - time.monotonic()))
        for process in processes:
            process.work(0)
        stop.set()
        commands.join()
        orders += [order(staff, processes, action, energises=energises) for action, energises in _LAST_ORDERS]

        wait_until(lambda: sum(process.waiting() for process in processes) == 0, "receipts for all events", _SETTLE_S)
        return Measured(
            broker=broker.name,
            database="postgresql" if url.startswith("postgresql") else "sqlite",
            lags=lags,
            emitted=set[UUID]().union(*(process.emitted() for process in processes)),
            journal=journal(url),
            taps=[latency for process in processes for latency in process.tap_latencies()],
            commands=commander.latencies,
            orders=orders,
        ).report()


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.fleet", description=__doc__)
    parser.add_argument("--gates", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long cards are tapped and reported as lost")
    parser.add_argument("--revocations", type=int, default=20)
    parser.add_argument("--sqlite", action="store_true", help="SQLite, also where PostgreSQL is installed")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if min(given.gates, given.revocations) < 1 or given.seconds <= 0:
        parser.error("gates, revocations and seconds must be positive")
    measured = measure(given.gates, given.seconds, given.revocations, postgresql=not given.sqlite)
    return present(measured, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
