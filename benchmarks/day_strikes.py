"""Carries the plan of strikes out on the processes of a campus, and remembers when each was away."""

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.command_process import CommandProcess
from benchmarks.day_schedule import Strike, Target, Way
from benchmarks.fault_gate import FaultGate
from benchmarks.fleet_campus import BrokerProcess
from tests.postgresql import Cluster

RECOVERS_S = 20.0
"""After what was struck runs, or the server answers again: connections are made anew, what waited is worked on."""


class Victim(Protocol):
    """What can be struck."""

    def kill(self) -> None:
        """End it at once."""

    def start(self) -> None:
        """Start it again."""

    def freeze(self) -> None:
        """Let it stand still."""

    def thaw(self) -> None:
        """Let it go on."""


@dataclass(slots=True)
class Process:
    """A process as a victim."""

    process: CommandProcess | FaultGate | BrokerProcess

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def start(self) -> None:
        """Start it again."""
        self.process.start()

    def freeze(self) -> None:
        """Let it stand still."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send(signal.SIGCONT)


@dataclass(slots=True)
class Postgresql:
    """A cluster as a victim."""

    cluster: Cluster
    _frozen: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def kill(self) -> None:
        """End all of its processes at once."""
        self.cluster.kill_processes()

    def start(self) -> None:
        """Start it again; return when it answers."""
        self.cluster.start()

    def freeze(self) -> None:
        """Let it stand still."""
        self._frozen.enter_context(self.cluster.frozen())

    def thaw(self) -> None:
        """Let it go on."""
        self._frozen.close()


@dataclass(slots=True)
class Strikes:
    """The plan, carried out from `run`; each strike ends with what was struck running again."""

    plan: Sequence[Strike]
    victims: dict[Target, Sequence[Victim]]
    done: Counter[str] = field(default_factory=Counter)
    away: list[tuple[float, float]] = field(default_factory=list)
    """From when to when (monotonic seconds) something was away or coming back."""
    failed: Exception | None = None

    def run(self, begun_s: float, report: Callable[[str], None]) -> None:
        """Strike by the plan, which counts from `begun_s`; what was raised on the way is in `failed`."""
        try:
            self._carry_out(begun_s, report)
        except Exception as error:  # noqa: BLE001 - raised in the thread that reports
            self.failed = error

    def check(self) -> None:
        """Raise what has ended the plan."""
        if self.failed is not None:
            raise self.failed

    def _carry_out(self, begun_s: float, report: Callable[[str], None]) -> None:
        for strike in self.plan:
            time.sleep(max(0.0, begun_s + strike.at_s - time.monotonic()))
            those = self.victims.get(strike.target, ())
            if not those:
                continue
            report(f"{strike.target} {strike.way}")
            since = time.monotonic()
            self._strike(those[strike.which % len(those)], strike)
            self.away.append((since, time.monotonic() + RECOVERS_S))
            self.done[f"{strike.target} {strike.way}"] += 1

    @staticmethod
    def _strike(victim: Victim, strike: Strike) -> None:
        if strike.way is Way.HUNG:
            victim.freeze()
            try:
                time.sleep(strike.lasts_s)
            finally:
                victim.thaw()
        else:
            victim.kill()
            time.sleep(strike.lasts_s)
            victim.start()


def is_undisturbed(at_s: float, away: Sequence[tuple[float, float]]) -> bool:
    """Tell whether nothing was away or coming back at a moment."""
    return not any(since <= at_s <= until for since, until in away)
