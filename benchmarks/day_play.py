"""Plays the day: lets people come by the hour, strikes by the plan, and reads what came of it."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from uuid import UUID

import httpx

from benchmarks.day_campus import LOST, STRANGER, WALKER, DayCampus
from benchmarks.day_clients import Clock, LivePage, Newcomers, Till
from benchmarks.day_facts import DayFacts, read_facts
from benchmarks.day_judgement import Walk, commands_of
from benchmarks.day_schedule import BEGINS_H, ENDS_H, LOSS_H, NIGHT_H, PlayedDay, Strike
from benchmarks.day_stage import Stage
from benchmarks.day_strikes import RECOVERS_S, Strikes
from benchmarks.fault_bus import Bus
from benchmarks.fault_history import Facts, History
from benchmarks.fleet_campus import SITE, STAFF_NUMBER
from benchmarks.metering_showers import Fates, ShowersPlan, read_ended, simulate
from campusgate.demo.api_client import RefusedError
from campusgate.demo.staff import Staff
from messages import NonceStore
from tests.doubles.processes import PROCESSES
from tests.doubles.water_campus import Books, judge
from tests.postgresql import Cluster

_LOOK_S = 0.25
_PACE_S = 0.5
_AGAIN_S = 1.0
_WALKS_APART_S = (3.0, 8.0)
_STRANGERS = 0.25
"""Of those who walk up."""
_EDGE_COMMANDS_APART_S = 0.5
_FATES = Fates(power_cut=0.05, cut_off=0.05, cut_off_long=0.0, clock_jump=0.0, counter_back=0.0, valve_stuck=0.0)

Reporting = Callable[[float, str], None]
"""Hears the hour, and what happens at it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played."""

    day: PlayedDay
    strikes: Sequence[Strike]
    seed: int
    shower_sessions: int


@dataclass(frozen=True, slots=True)
class Played:
    """What was asked and seen, by those who asked and saw it, and what there is at the end."""

    facts: DayFacts
    histories: dict[str, History]
    commands: dict[UUID, float]
    """When each was signed (monotonic seconds)."""
    crowd: "Crowd"
    taps: Sequence[tuple[float, float]]
    """At the gates of buildings: when (monotonic seconds), and until the relay (seconds; inf: refused)."""
    emitted: set[UUID]
    """By the gates of buildings, and what lay in the edges' outboxes."""
    baths: Books
    strikes: Strikes
    restarted: Counter[str]
    clock_offset_s: float
    """The monotonic clock against the wall's."""
    people: Sequence[UUID]
    """Ids by number."""
    may_pass: frozenset[UUID]

    def gate_facts(self) -> Facts:
        """Return what the controllers' histories are judged by."""
        stored, twice = self.facts.journal_of(set(self.histories))
        return Facts(self.may_pass, self.people[LOST], self.commands, stored, twice)


class Crowd:
    """Everybody who comes, each on a thread."""

    def __init__(self, stage: Stage, plan: Plan, bus: Bus) -> None:
        """Nobody comes before `begin`."""
        made = stage.made
        url, password = made.campus.server_url, made.campus.staff_password
        self.clock = Clock(time.monotonic())
        everybody = range(len(made.campus.people))
        self.tills = [Till(url, token, shop, everybody) for shop, token in made.tills.items()]
        self.newcomers = Newcomers(url, made.newcomers, password, made.portrait)
        self.page = LivePage(url, password)
        self.walks: list[Walk] = []
        self.without_server: list[tuple[float, float]] = []
        """From when to when (monotonic seconds) the server did not answer, or was catching up."""
        self._stage, self._plan, self._bus = stage, plan, bus
        self._page_closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[Exception] = []

    def begin(self) -> None:
        """Let the day begin."""
        day, chance = self._plan.day, random.Random(self._plan.seed)  # noqa: S311 - a crowd, no secret
        self.clock.begun_s = time.monotonic()

        def till_rate(elapsed_s: float) -> float:
            return day.payments_per_s(elapsed_s) / len(self.tills)

        def start(work: Callable[..., object], *given: object) -> None:
            def follow() -> None:
                try:
                    work(*given)
                except Exception as error:  # noqa: BLE001 - raised in the thread that reports
                    self._failures.append(error)

            self._threads.append(threading.Thread(target=follow, daemon=True))
            self._threads[-1].start()

        for till in self.tills:
            start(till.work, self.clock, till_rate, _own(chance))
        start(self.newcomers.work, self.clock, day.photos_per_s, _own(chance))
        for gate in self._stage.cameras:
            start(self._walk, gate, _own(chance))
        start(self._bus.run, self.clock.over)
        start(self._set_pace)
        start(self._report_loss)
        start(self._ask_after_server)
        threading.Thread(target=self.page.look, args=(self._page_closed,), daemon=True).start()

    @property
    def commands(self) -> dict[UUID, float]:
        """When each command of the edges without a camera was signed (monotonic seconds)."""
        return dict(self._bus.meant)

    def has_gone(self) -> bool:
        """Whether everybody has been answered, after the day was over."""
        return not any(one.is_alive() for one in self._threads)

    def check(self) -> None:
        """Raise what has ended somebody's work."""
        for error in self._failures:
            raise error

    def close_page(self) -> None:
        """Close the live page, which stays open until all events have come."""
        self._page_closed.set()

    def _set_pace(self) -> None:
        """Let as many people come to the gates as the hour says."""
        while not self.clock.over.wait(_PACE_S):
            self._stage.set_pace(self._plan.day.passages_per_s(self.clock.elapsed_s))
        self._stage.set_pace(0)

    def _walk(self, gate: str, chance: random.Random) -> None:
        """Let people walk up to a camera, one after the other; now and then a stranger."""
        while not self.clock.over.wait(chance.uniform(*_WALKS_APART_S)):
            name = STRANGER if chance.random() < _STRANGERS else WALKER
            since_s = time.monotonic()
            self._stage.cameras[gate].play(self._stage.made.films.walk(name))
            self.walks.append(Walk(gate, since_s, time.monotonic(), name == WALKER))

    def _ask_after_server(self) -> None:
        """Ask every second whether it answers."""
        while not self.clock.over.wait(_AGAIN_S):
            asked_s = time.monotonic()
            if not self._stage.answers():
                self.without_server.append((asked_s - _AGAIN_S, time.monotonic() + RECOVERS_S))

    def _report_loss(self) -> None:
        """Somebody loses their card at noon, and staff say so until the server has taken it."""
        pause_s, campus = self._plan.day.elapsed_at(LOSS_H), self._stage.made.campus
        while not self.clock.over.wait(pause_s):
            pause_s = _AGAIN_S
            with contextlib.suppress(httpx.HTTPError, RefusedError):
                staff = Staff(campus.server_url, STAFF_NUMBER, campus.staff_password)
                try:
                    staff.report_lost(campus.people[LOST])
                finally:
                    staff.close()
                return


def play(made: DayCampus, cluster: Cluster, plan: Plan, report: Reporting) -> Played:
    """Play the day; `report` hears the hour and what is struck."""
    with ExitStack() as stack:
        report(BEGINS_H, "starting")
        stage = Stage(made, cluster, stack)
        crowd = Crowd(stage, plan, _make_bus(made, plan, stack))
        strikes, day = Strikes(plan.strikes, stage.victims()), plan.day
        crowd.begin()

        def strike() -> None:
            strikes.run(crowd.clock.begun_s, lambda what: report(day.hour_at(crowd.clock.elapsed_s), what))

        striking = threading.Thread(target=strike, daemon=True)
        striking.start()
        baths = None
        while crowd.clock.elapsed_s < day.seconds or striking.is_alive():
            stage.supervise()
            crowd.check()
            strikes.check()
            hour = min(day.hour_at(crowd.clock.elapsed_s), ENDS_H)
            if baths is None and hour >= NIGHT_H:
                baths = _open_baths(made, plan)
            report(hour, "")
            time.sleep(_LOOK_S)
        crowd.clock.over.set()
        strikes.check()
        if baths is None:
            raise RuntimeError("the night has not come")
        return _settle(stage, crowd, strikes, baths, report)


def _settle(stage: Stage, crowd: Crowd, strikes: Strikes, baths: BaseProcess, report: Reporting) -> Played:
    """Let everything arrive, and read it."""
    made = stage.made

    def say(what: str) -> None:
        report(ENDS_H, what)

    stage.wait_until(crowd.has_gone, "everybody is answered", say)
    crowd.check()
    taps = [tap for process in stage.buildings for tap in process.taps()]
    stage.wait_until(lambda: not baths.is_alive(), "the showers are settled", say)
    stage.settle(say)
    ended, _, _ = read_ended(made.water.folder)
    with contextlib.suppress(RuntimeError):
        # Holds of sessions that never began are let go in time.
        stage.wait_until(lambda: not judge(made.water, ended).faults, "the showers' books agree", say)
    books = judge(made.water, ended)
    crowd.close_page()
    offset_s = time.monotonic() - time.time()
    histories: dict[str, History] = {gate.name: tuple(gate.history) for gate in stage.gates}
    return Played(
        facts=read_facts(made),
        histories=histories,
        commands=commands_of({gate: histories[gate] for gate in stage.edges}, offset_s) | crowd.commands,
        crowd=crowd,
        taps=taps,
        emitted=set[UUID]().union(stage.outboxes.seen, *(process.emitted() for process in stage.buildings)),
        baths=books,
        strikes=strikes,
        restarted=stage.restarted,
        clock_offset_s=offset_s,
        people=made.campus.people,
        may_pass=made.may_pass,
    )


def _own(chance: random.Random) -> random.Random:
    return random.Random(chance.random())  # noqa: S311 - a crowd, no secret


def _make_bus(made: DayCampus, plan: Plan, stack: ExitStack) -> Bus:
    """Return who sends commands to the main gates without a camera: their edges, and a thief."""
    folder = made.campus.folder
    nonces, stolen = NonceStore(folder / "edge-nonces.db"), NonceStore(folder / "thief-nonces.db")
    stack.callback(nonces.close)
    stack.callback(stolen.close)
    without = [gate for gate in made.main_gates if gate not in made.edge_gates]
    chance = random.Random(plan.seed + 1)  # noqa: S311 - a crowd, no secret
    bus = Bus(made.campus, nonces, stolen, chance, gates=without, pause_s=_EDGE_COMMANDS_APART_S)
    bus.connection.start()
    stack.callback(bus.connection.stop)
    return bus


def _open_baths(made: DayCampus, plan: Plan) -> BaseProcess:
    """Start the showers of the night in a process of their own."""
    water = made.water
    given = ShowersPlan(
        site=SITE,
        port=made.campus.mqtt_port,
        folder=water.folder,
        server_key=water.server_key,
        devices=tuple(
            (str(device), key.private_bytes_raw(), water.digest(number))
            for number, (device, key) in enumerate(water.devices)
        ),
        sessions=plan.shower_sessions,
        seed=plan.seed,
        away_s=0.0,
        fates=_FATES,
    )
    showers = PROCESSES.Process(target=simulate, args=(given,), daemon=True)
    showers.start()
    return showers
