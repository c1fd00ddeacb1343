"""What can go wrong at gates, at random moments: is every event in the journal once, and no door opened wrongly?

    python -m benchmarks.faults [--gates N] [--rounds N] [--seed N] [--json]

Real controllers, each in a process of its own, the real server and a real broker. In every round each of these
happens once, in random order: a controller is killed (SIGKILL) and started again, the server is, the broker is, a
gate's wall clock jumps, a gate's disk is full. Meanwhile cards are tapped (good ones, a lost one, a stranger's, an
unknown one), commands are sent, and a thief on the bus sends old, unsigned, retained and repeated commands. The
gates' own accounts of what they did (`fault_history`) are then held against the server's journal.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Set
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fault_bus import Bus
from benchmarks.fault_gate import FaultGate
from benchmarks.fault_history import Facts, Judgement, count_openings, judge, refusals_in
from benchmarks.fleet import journal
from benchmarks.fleet_campus import STAFF_NUMBER, BrokerProcess, Campus, ServerProcess, database_url, wait_until
from benchmarks.report import Report, budget, present
from campusgate.demo.staff import Staff
from messages import NonceStore
from tests.doubles.processes import quiet

_PEOPLE = 4
_LOST = 1
_PAUSE_S = 1.0
"""How long a fault is let to work, and the world without it, each at the longest."""
_SETTLE_S = 90.0
_MISFORTUNES_MEET = 0.5
"""How often the broker is restarted while a disk is full, so that events wait in memory."""
_JUMPS_S = (-3600.0, 5.0)


class Mishaps:
    """The faults, each of which ends with everything running again."""

    def __init__(
        self, gates: list[FaultGate], server: ServerProcess, broker: BrokerProcess, chance: random.Random
    ) -> None:
        self.done: Counter[str] = Counter()
        self._gates = gates
        self._server = server
        self._broker = broker
        self._chance = chance

    def one_round(self) -> None:
        """Let each happen once."""
        every = [self.kill_controller, self.kill_server, self.restart_broker, self.jump_clock, self.fill_disk]
        self._chance.shuffle(every)
        for mishap in every:
            time.sleep(self._chance.uniform(0, _PAUSE_S))
            mishap()
            self.done[mishap.__name__] += 1
            for gate in self._gates:
                gate.check()

    def kill_controller(self) -> None:
        """A power cut at one gate."""
        self.power_cut(self._chance.choice(self._gates))

    def power_cut(self, gate: FaultGate) -> None:
        """Kill a controller and start it again. A full disk and a power cut together lose events: not at once."""
        wait_until(lambda: gate.in_memory == 0, "events in memory are delivered", _SETTLE_S)
        gate.kill()
        gate.start()

    def kill_server(self) -> None:
        """The server dies and comes back."""
        self._server.wait()
        self._server.kill()
        time.sleep(self._chance.uniform(0, _PAUSE_S))
        self._server.start()

    def restart_broker(self) -> None:
        """The broker dies, forgets everything, and comes back."""
        self._broker.kill()
        time.sleep(self._chance.uniform(0, _PAUSE_S))
        self._broker.start()

    def jump_clock(self) -> None:
        """A gate's wall clock is wrong for a while."""
        gate = self._chance.choice(self._gates)
        gate.set_clock(self._chance.choice(_JUMPS_S))
        time.sleep(self._chance.uniform(_PAUSE_S / 2, _PAUSE_S))
        gate.set_clock(0)

    def fill_disk(self) -> None:
        """A gate's disk is full until at least one event could not be written."""
        gate = self._chance.choice(self._gates)
        wait_until(lambda: gate.waiting >= 0, f"{gate.name} works", _SETTLE_S)
        gate.fill_disk(full=True)
        wait_until(lambda: gate.in_memory > 0, "an event meets the full disk", 30)
        if self._chance.random() < _MISFORTUNES_MEET:
            self.restart_broker()
        gate.fill_disk(full=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, and what came of it."""

    mishaps: Counter[str]
    judgement: Judgement


def campaign(
    gate_count: int, rounds: int, seed: int, *, postgresql: bool = False, tried: Set[str] = frozenset()
) -> Outcome:
    """Let `rounds` of faults come over so many gates, and judge.

    Who comes when is up to the machine: the gates go on working until they have opened, and refused for every reason
    in `tried`.
    """
    chance = random.Random(seed)  # noqa: S311 - a fate that can be repeated
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-faults-")))
        url = stack.enter_context(database_url(folder, postgresql=postgresql))
        campus = Campus(folder, url, tuple(f"gate-{number}" for number in range(1, gate_count + 1)))
        campus.populate(_PEOPLE)
        broker = stack.enter_context(BrokerProcess(folder, campus.mqtt_port))
        server = stack.enter_context(ServerProcess(campus))
        gates = [FaultGate(campus, name) for name in campus.gates]
        for gate in gates:
            stack.callback(gate.kill)
            gate.start()
        server.wait()
        nonces, thief_nonces = NonceStore(folder / "edge.db"), NonceStore(folder / "thief.db")
        stack.callback(nonces.close)
        stack.callback(thief_nonces.close)
        bus = Bus(campus, nonces, thief_nonces, chance)
        bus.connection.start()
        stack.callback(bus.connection.stop)
        stop = threading.Event()
        sending = threading.Thread(target=bus.run, args=(stop,), daemon=True)
        sending.start()
        time.sleep(_PAUSE_S)
        staff = Staff(campus.server_url, STAFF_NUMBER, campus.staff_password)
        staff.report_lost(campus.people[_LOST])
        staff.close()
        mishaps = Mishaps(gates, server, broker, chance)
        for _ in range(rounds):
            mishaps.one_round()
        wait_until(lambda: _has_tried(gates, tried), f"openings and refusals {sorted(tried)}", _SETTLE_S)
        time.sleep(_PAUSE_S)
        stop.set()
        sending.join()
        _settle(gates, server, mishaps)
        stored, decided_twice = journal(url)
        facts = Facts(frozenset(campus.people[:-1]), campus.people[_LOST], dict(bus.meant), stored, decided_twice)
        return Outcome(mishaps.done, judge({gate.name: gate.history for gate in gates}, facts))


def _has_tried(gates: list[FaultGate], reasons: Set[str]) -> bool:
    history = [entry for gate in gates for entry in tuple(gate.history)]
    return count_openings(history) > 0 and set(refusals_in(history)) >= reasons


def _settle(gates: list[FaultGate], server: ServerProcess, mishaps: Mishaps) -> None:
    """Let everything arrive. A last power cut spares the wait until events without a receipt are sent again."""
    server.wait()
    for gate in gates:
        gate.rest()
        mishaps.power_cut(gate)
    wait_until(lambda: all(gate.waiting == 0 for gate in gates), "receipts for all events", _SETTLE_S)
    for gate in gates:
        gate.kill()


def main() -> int:
    """Run it, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.faults", description=__doc__)
    parser.add_argument("--gates", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if min(given.gates, given.rounds) < 1:
        parser.error("gates and rounds must be positive")
    quiet()
    outcome = campaign(given.gates, given.rounds, given.seed, postgresql=True)
    judgement = outcome.judgement
    figures = {
        "gates": given.gates,
        "seed": given.seed,
        "mishaps": dict(outcome.mishaps),
        "events": judgement.events,
        "openings": judgement.openings,
        "refusals": dict(judgement.refusals),
        "violations": judgement.violations,
    }
    budgets = [budget("violations", len(judgement.violations), "at most", 0)]
    return present(Report("faults", figures, budgets), as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
