"""Showers settled while everything goes wrong: do litres × price, holds, posts and the ledger agree to the fen?

    python -m benchmarks.metering_sessions [--sessions N] [--showers N] [--seed N] [--json]

Two processes over a real broker: real controllers on simulated water, and the part of the server that settles sessions
on PostgreSQL, where it is installed. Messages are lost, repeated, delayed and so reordered, some until long after the
server settled the session without its end; controllers lose their power, their network, their clock's sense and a
counter; valves stick; the server is killed and started again every few seconds. At the end each session's bill is
computed anew from the pulses that its controller recorded.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fleet_campus import BrokerProcess, database_url
from benchmarks.metering_showers import Fates, ShowersPlan, read_ended, simulate
from benchmarks.report import Report, budget, present
from campusgate.demo.campus import free_port
from tests.doubles.processes import PROCESSES, quiet
from tests.doubles.water_campus import SILENCE_S, SITE, Books, WaterCampus, WaterServer, judge

_KILL_EVERY_S = (6.0, 15.0)
_DEAD_FOR_S = (0.2, 3.0)
_LOOK_S = 0.05
_HOLDS_END_S = 30.0
"""How long at most the last silent sessions and holds may take to be ended by the server, after their time."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What to let happen."""

    sessions: int
    showers: int
    seed: int
    postgresql: bool = True
    fates: Fates = field(default_factory=Fates)
    kill_every_s: tuple[float, float] = _KILL_EVERY_S
    away_s: float = SILENCE_S + 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    books: Books
    happened: Counter[str]
    pulses_flowed: int
    pulses_reported: int
    seconds: float


def run(campaign: Campaign) -> Outcome:
    """Let it happen and judge the books."""
    chance = random.Random(campaign.seed)  # noqa: S311 - a fate that can be repeated
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-showers-")))
        (folder / "server").mkdir()
        url = stack.enter_context(database_url(folder, postgresql=campaign.postgresql))
        campus = WaterCampus(folder, url, campaign.showers)
        campus.populate()
        broker = stack.enter_context(BrokerProcess(folder, free_port()))
        server = stack.enter_context(WaterServer(campus, broker.port))
        plan = ShowersPlan(
            site=SITE,
            port=broker.port,
            folder=folder,
            server_key=campus.server_key,
            devices=tuple(
                (str(device), key.private_bytes_raw(), campus.digest(number))
                for number, (device, key) in enumerate(campus.devices)
            ),
            sessions=campaign.sessions,
            seed=campaign.seed,
            away_s=campaign.away_s,
            fates=campaign.fates,
        )
        begun_s = time.monotonic()
        showers = PROCESSES.Process(target=simulate, args=(plan,), daemon=True)
        showers.start()
        kills = _kill_again_and_again(server, showers.is_alive, chance, campaign.kill_every_s)
        showers.join()
        if showers.exitcode:
            raise RuntimeError("the showers have ended by themselves")
        seconds = time.monotonic() - begun_s
        ended, pulses, happened = read_ended(folder)
        books = _settled_books(campus, ended)
        reported = sum(_pulses(report) for report in ended)
        return Outcome(books, Counter(happened) + Counter(server_killed=kills), pulses, reported, seconds)


def _kill_again_and_again(
    server: WaterServer, goes_on: Callable[[], bool], chance: random.Random, every_s: tuple[float, float]
) -> int:
    """Kill the server some time after it came up, again and again; let it run at the end."""
    kills = 0
    while goes_on():
        while goes_on() and not server.answers:
            time.sleep(_LOOK_S)
        dies_at_s = time.monotonic() + chance.uniform(*every_s)
        while goes_on() and server.answers and time.monotonic() < dies_at_s:
            time.sleep(_LOOK_S)
        if goes_on():
            server.kill()
            kills += 1
            time.sleep(chance.uniform(*_DEAD_FOR_S))
            server.start()
    return kills


def _settled_books(campus: WaterCampus, ended: list[Any]) -> Books:
    """Wait until the server has let the last holds go, and judge."""
    end_s = time.monotonic() + _HOLDS_END_S
    while True:
        books = judge(campus, ended)
        if not books.faults or time.monotonic() > end_s:
            return books
        time.sleep(1.0)


def _pulses(report: Any) -> int:
    total = 0
    for count in report.counts:
        if count.begin_total is not None and count.total is not None:
            total += count.total - count.begin_total
    return total


def main() -> int:
    """Run it, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.metering_sessions", description=__doc__)
    parser.add_argument("--sessions", type=int, default=5_000)
    parser.add_argument("--showers", type=int, default=250)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if min(given.sessions, given.showers) < 1:
        parser.error("sessions and showers must be positive")
    quiet()
    # So that a server that was killed is back in a moment.
    multiprocessing.set_forkserver_preload(["tests.doubles.water_campus", "benchmarks.metering_showers"])
    report = report_of(Campaign(given.sessions, min(given.showers, given.sessions), given.seed))
    return present(report, as_json=given.json)


def report_of(campaign: Campaign) -> Report:
    """Run a campaign and return its report."""
    outcome = run(campaign)
    books = outcome.books
    figures = {
        "sessions": campaign.sessions,
        "showers": campaign.showers,
        "seed": campaign.seed,
        "seconds": round(outcome.seconds, 1),
        "sessions_per_s": round(campaign.sessions / outcome.seconds, 1),
        "litres": round(books.litres, 1),
        "billed_fen": books.billed_fen,
        "states": dict(books.states),
        "mishaps": dict(outcome.happened),
        "faults": books.faults[:20],
    }
    budgets = [
        budget("faults in the books", len(books.faults), "at most", 0),
        budget("sessions settled or given to a person", sum(books.states.values()), "at least", campaign.sessions),
        budget("pulses billed beyond what flowed", outcome.pulses_reported - outcome.pulses_flowed, "at most", 0),
    ]
    return Report("metering_sessions", figures, budgets)


if __name__ == "__main__":
    sys.exit(main())
