"""One day of a campus of 30,000 people, compressed, while everything that can be struck is killed and hung.

    python -m benchmarks.day [--quick] [--minutes N] [--seed N] [--json]

From six to midnight: people stream through the gates, pay at lunch, shower at night, and as it is September newcomers
hand in their photos. The server and the edges are the real commands, on real PostgreSQL and Mosquitto; main gates have
a controller each in a process of its own, and those with an edge a camera before which people walk; the gates of
buildings are real controllers too, ten to a process. Rates are a stated share of those of 30,000 people; hours pass a
stated number of times as fast. Broker, database, server, edges and controllers are killed (SIGKILL) and hung (SIGSTOP)
by a plan that follows from the seed.

What was asked and acknowledged is kept by those who asked, and at the end compared with ledger, event store, photos and
the relays' own accounts. Budgets: no wrong opening, none that is late, no fen lost, no event lost, nobody asked twice.
Needs Debian's `mosquitto` and `postgresql`.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.day_campus import Size, build
from benchmarks.day_play import Plan, play
from benchmarks.day_report import report_of
from benchmarks.day_schedule import BEGINS_H, ENDS_H, PlayedDay, plan_strikes
from benchmarks.report import present
from tests.doubles.processes import quiet
from tests.postgresql import cluster

_SHARE = 0.2
"""Of the rates of 30,000 people: two cores bear the campus and everybody who uses it."""
_QUICK = Size(people=3_000, main_gates=3, edges=1, building_gates=8, tills=6, newcomers=30, showers=16)
_WHOLE = Size(people=30_000, main_gates=4, edges=2, building_gates=30, tills=12, newcomers=300, showers=60)
_SESSIONS_EACH = 2
"""Showers taken at each place."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a day is played, and how far apart strikes are (seconds)."""

    minutes: float
    strikes_every_s: float


_QUICK_LENGTH, _WHOLE_LENGTH = Length(2.5, 13.0), Length(20.0, 30.0)


def main() -> int:
    """Play it, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.day", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3,000 people, a dozen gates, two and a half minutes")
    parser.add_argument("--minutes", type=float, help="how long the day's 18 hours are played")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--share", type=float, default=_SHARE, help="of the rates of 30,000 people")
    parser.add_argument("--keep", type=Path, help="a folder for files and logs, which stay")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    length, size = (_QUICK_LENGTH, _QUICK) if given.quick else (_WHOLE_LENGTH, _WHOLE)
    minutes = given.minutes or length.minutes
    if minutes < 1 or not 0 < given.share <= 1:
        parser.error("a day takes a minute at least, and a share is at most 1")
    quiet()
    # So that what is killed is back in a moment.
    multiprocessing.set_forkserver_preload(
        ["benchmarks.fault_gate", "benchmarks.fleet_gates", "benchmarks.metering_showers"]
    )
    day = PlayedDay(minutes * 60, given.share)
    strikes = plan_strikes(given.seed, day.seconds, length.strikes_every_s)
    plan = Plan(day, strikes, given.seed, size.showers * _SESSIONS_EACH)
    with ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-day-")))
        folder.mkdir(parents=True, exist_ok=True)
        database = stack.enter_context(cluster())
        shown = stack.enter_context(_Shown())
        shown(BEGINS_H, "building the campus")
        made = build(folder, database.create("day"), size)
        played = play(made, database, plan, shown)
    return present(report_of(played, plan, size), as_json=given.json)


class _Shown:
    """The hour of the day on standard error, and what is struck."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.fields[hour]}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=ENDS_H - BEGINS_H, hour="06:00")

    def __call__(self, hour: float, what: str) -> None:
        clock = f"{int(hour):02}:{int(hour % 1 * 60):02}"
        self._bar.update(self._task, completed=hour - BEGINS_H, hour=clock, description=what or None)
        if what and not self._bar.console.is_terminal:
            self._bar.console.print(f"{clock} {what}")

    def __enter__(self) -> "_Shown":
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()


if __name__ == "__main__":
    sys.exit(main())
