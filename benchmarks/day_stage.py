"""The processes of a played day: broker, server, gates with their controllers, edges and cameras."""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import httpx

from benchmarks.command_process import CommandProcess, as_environment
from benchmarks.day_campus import DayCampus
from benchmarks.day_facts import EdgeOutboxes
from benchmarks.day_schedule import Target
from benchmarks.day_strikes import Postgresql, Process, Victim
from benchmarks.fault_gate import FaultGate
from benchmarks.fleet_campus import BrokerProcess, wait_until
from benchmarks.fleet_gates import GatesPlan, GatesProcess
from campusgate.demo.camera import FilmCamera
from tests.postgresql import Cluster

_GATES_PER_PROCESS = 10
_STARTS_S = 240.0
_SETTLES_S = 600.0
"""On a machine that may be busy."""
_NO_LIMITS = {"meal_limit": 1_000_000, "day_limit": 1_000_000}
"""Fen: no purchase is refused."""
_EDGE_POLICY = "[recognition.liveness]\nleast_score = 0.0\n"
"""A film shows photographs before a wall, which the network says of some; cues decide, as in the demonstration."""


class Stage:
    """Everything that runs, from when it is entered."""

    def __init__(self, made: DayCampus, cluster: Cluster, stack: ExitStack) -> None:
        """Start all processes; they end with `stack`."""
        self.made, self._cluster = made, cluster
        self.restarted: Counter[str] = Counter()
        campus, folder = made.campus, made.campus.folder
        self.broker = stack.enter_context(BrokerProcess(folder, campus.mqtt_port))
        settings = made.server | {"spending": _NO_LIMITS}
        self.server = CommandProcess(["serve"], as_environment(settings), folder / "server.log")
        stack.enter_context(self.server)
        wait_until(self.answers, f"the server answers (see {self.server.log})", _STARTS_S)
        self.gates = [FaultGate(campus, name, cards=made.cards_at_main_gates) for name in made.main_gates]
        for gate in self.gates:
            stack.callback(gate.kill)
            gate.work(0)
            gate.start()
        self.buildings = [
            stack.enter_context(GatesProcess(GatesPlan.of(campus, part, cards=made.cards_at_buildings)))
            for part in _parts(made.building_gates)
        ]
        (folder / "edge.toml").write_text(_EDGE_POLICY, encoding="utf-8")
        self.cameras = {gate: stack.enter_context(FilmCamera()) for gate in made.edge_gates}
        self.edges: dict[str, CommandProcess] = {}
        for name, camera in self.cameras.items():
            environment = as_environment(made.edge_settings(name, folder / "edges" / name))
            command = ["edge", camera.url, "--policy", str(folder / "edge.toml")]
            self.edges[name] = stack.enter_context(CommandProcess(command, environment, folder / f"edge-{name}.log"))
        self.outboxes = EdgeOutboxes(
            [folder / "edges" / name / "data" / "edge" / name / "outbox.db" for name in self.edges]
        )
        for process in self.buildings:
            process.wait_ready()
        wait_until(lambda: all(gate.waiting >= 0 for gate in self.gates), "the gates start", _STARTS_S)
        wait_until(self._edges_see, "the edges see", _STARTS_S)

    def victims(self) -> dict[Target, Sequence[Victim]]:
        """Return what can be struck."""
        return {
            Target.BROKER: [Process(self.broker)],
            Target.DATABASE: [Postgresql(self._cluster)],
            Target.SERVER: [Process(self.server)],
            Target.EDGE: [Process(one) for one in self.edges.values()],
            Target.CONTROLLER: [Process(one) for one in self.gates],
        }

    def answers(self) -> bool:
        """Whether the server does."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.made.campus.server_url}/health", timeout=5, trust_env=False).is_success
        return False

    def set_pace(self, passages_per_s: float) -> None:
        """Let so many people come to all gates together."""
        each_per_s = passages_per_s / len(self.made.campus.gates)
        for gate in self.gates:
            gate.work(each_per_s)
        for process, part in zip(self.buildings, _parts(self.made.building_gates), strict=True):
            process.work(each_per_s * len(part))

    def supervise(self) -> None:
        """Start again what has ended by itself, as the units of systemd say, and look into the edges' outboxes.

        Raises:
            RuntimeError: a controller has ended by itself, which none may.
        """
        for name, process in {"server": self.server, **self.edges}.items():
            self.restarted[name] += process.start_if_ended()
        for gate in self.gates:
            gate.check()
        self.outboxes.look()

    def settle(self, report: Callable[[str], None]) -> None:
        """Wait until every event has its receipt, then end the gates."""
        self.wait_until(self.answers, "the server answers", report)
        self.wait_until(lambda: not self._wait_at_buildings(), "receipts for the events of buildings", report)
        for gate in self.gates:
            # A power cut spares the wait until what has no receipt is sent again.
            gate.kill()
            gate.start()
        self.wait_until(
            lambda: all(gate.waiting == 0 for gate in self.gates), "receipts for the events of main gates", report
        )
        self.wait_until(lambda: self.outboxes.look() == 0, "receipts for the events of edges", report)
        for gate in self.gates:
            gate.kill()
        for edge in self.edges.values():
            edge.kill()

    def wait_until(self, ready: Callable[[], bool], what: str, report: Callable[[str], None]) -> None:
        """Wait, while processes are looked after.

        Raises:
            RuntimeError: not within minutes.
        """

        def look() -> bool:
            self.supervise()
            return ready()

        report(what)
        wait_until(look, what, _SETTLES_S)

    def _wait_at_buildings(self) -> int:
        return sum(process.waiting() for process in self.buildings)

    def _edges_see(self) -> bool:
        self.supervise()
        return all("camera_running" in one.log.read_text("utf-8", "replace") for one in self.edges.values())


def _parts(gates: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(gates[first : first + _GATES_PER_PROCESS]) for first in range(0, len(gates), _GATES_PER_PROCESS)]
