"""A benchmark on this build and on an earlier checkout in turns, pair by pair, with the spread of their ratios.

    git worktree add /tmp/before v0.1.0
    python -m benchmarks.against /tmp/before payments --pairs 5 -- --database sqlite --seconds 3

Both are measured by the benchmark of this build: its file, the tests' helpers and this interpreter with its packages
work on the other checkout's rooms (`--own` takes the other's own benchmark). Runs alternate, and the second pair begins
with the other build, so what else the machine does meets both alike; only ratios within a pair are believed. A ratio is
above 1 where this build is better: more where the figure is named `…_per_s` or `…_to_…`, less where it is a time or a
size. `processor_s` is the processor time of all processes of a run. `--at-least` makes a ratio a budget:

    … --at-least sqlite_http_spread_per_s=4 --at-least sqlite_http_spread_p99_ms=2
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Budget, Report, budget, present, progress

HERE = Path(__file__).resolve().parents[1]
_OF_THIS_BUILD = ("benchmarks", "tests", "tools")
_LESS_IS_BETTER = ("_ms", "_s", "_us", "_kb", "_mb", "_bytes")
_OF_MANY = ("_p50", "_p99", "_worst", "_max")
"""What ends the name of one figure of a distribution, behind its unit."""
_ASK_FOR_ITS_PLACE = "import accounts, pathlib; print(pathlib.Path(accounts.__file__).resolve().parents[1])"


class CheckoutUnusableError(Exception):
    """The folder is no checkout, or its benchmark fails; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of both builds, run by run."""

    name: str
    before: Sequence[float]
    now: Sequence[float]

    def ratios(self) -> list[float]:
        """Return the ratio of each pair, above 1 where this build is better."""
        pairs = zip(self.before, self.now, strict=True)
        return [before / now if is_less_better(self.name) else now / before for before, now in pairs]


def is_less_better(name: str) -> bool:
    """Tell whether a figure of this name is better when it is smaller."""
    for suffix in _OF_MANY:
        name = name.removesuffix(suffix)
    return name.endswith(_LESS_IS_BETTER) and not name.endswith("_per_s")


def main() -> int:
    """Run both in turns and print what came of it."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.against",
        usage="%(prog)s FOLDER NAME [options] [-- options of the benchmark]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="an earlier checkout")
    parser.add_argument("name", help="a benchmark that prints its report with --json, such as payments")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--own", action="store_true", help="measure the earlier checkout by its own benchmark")
    parser.add_argument("--at-least", action="append", default=[], metavar="FIGURE=RATIO", help="a budget")
    parser.add_argument("--json", action="store_true")
    mine, arguments = _split(sys.argv[1:])
    given = parser.parse_args(mine)
    wanted = _read_budgets(parser, given.at_least)
    try:
        compared = compare(given.folder.resolve(), given.name, arguments, given.pairs, own=given.own)
    except CheckoutUnusableError as error:
        parser.error(str(error))
    return present(make_report(given.name, compared, wanted), as_json=given.json)


def compare(folder: Path, name: str, arguments: Sequence[str], pairs: int, *, own: bool = False) -> list[Compared]:
    """Return every figure that both builds have and that is not the same in all runs.

    Raises:
        CheckoutUnusableError: see there.
    """
    if not (folder / "accounts").is_dir():
        raise CheckoutUnusableError(
            f"{folder} is no checkout of campusgate: `git worktree add {folder} COMMIT` makes one"
        )
    before, now = list[dict[str, float]](), list[dict[str, float]]()
    with _tree(folder, own=own) as tree:
        _require_rooms_of(folder, tree)
        runs = [(tree, before), (HERE, now)]
        turns = [run for pair in range(pairs) for run in (runs if pair % 2 == 0 else runs[::-1])]
        for place, figures in progress(turns, f"{name} in turns"):
            figures.append(run(place, name, arguments))
    shared = [each for each in now[0] if all(each in one for one in (*before, *now))]
    found = [Compared(each, [one[each] for one in before], [one[each] for one in now]) for each in shared]
    return [one for one in found if len({*one.before, *one.now}) > 1 and all((*one.before, *one.now))]


def run(place: Path, name: str, arguments: Sequence[str]) -> dict[str, float]:
    """Run a benchmark in `place`, and return its figures and ratios by name.

    Raises:
        CheckoutUnusableError: it fails.
    """
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *arguments]
    before_s = _children_s()
    done = subprocess.run(command, check=False, cwd=place, env=_environment(place), capture_output=True, text=True)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it printed no report"])[-1]
        raise CheckoutUnusableError(f"benchmarks.{name} failed in {place}: {last}") from None
    figures = {**dict(_numbers(told["figures"])), **dict(_numbers(told["ratios"]))}
    return {**figures, "processor_s": _children_s() - before_s}


def make_report(name: str, compared: Sequence[Compared], wanted: Mapping[str, float]) -> Report:
    """Return the medians of both, the median ratio of the pairs and its spread; a missing figure misses its budget."""
    figures: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    for one in compared:
        each = one.ratios()
        ratios[one.name] = statistics.median(each)
        figures[one.name] = {
            "before": statistics.median(one.before),
            "now": statistics.median(one.now),
            "ratio": f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f}, {len(each)} pairs)",
        }
    return Report(f"{name} against an earlier build", figures, list(_judge(ratios, wanted)), ratios=ratios)


def _judge(ratios: Mapping[str, float], wanted: Mapping[str, float]) -> Iterator[Budget]:
    for name, least in wanted.items():
        yield budget(f"{name}, ratio of the pairs' median", ratios.get(name, float("nan")), "at least", least)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before and behind `--`."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _read_budgets(parser: argparse.ArgumentParser, given: Sequence[str]) -> dict[str, float]:
    wanted = {}
    for each in given:
        name, _, ratio = each.partition("=")
        try:
            wanted[name] = float(ratio)
        except ValueError:
            parser.error(f"--at-least takes FIGURE=RATIO, such as sqlite_http_spread_per_s=4, not {each!r}")
    return wanted


@contextmanager
def _tree(folder: Path, *, own: bool) -> Iterator[Path]:
    """A tree of the checkout's rooms beside this build's benchmarks."""
    if own:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="campusgate-against-") as made:
        for entry in folder.iterdir():
            if entry.name not in _OF_THIS_BUILD and not entry.name.startswith("."):
                (Path(made) / entry.name).symlink_to(entry)
        for name in _OF_THIS_BUILD:
            (Path(made) / name).symlink_to(HERE / name)
        yield Path(made)


def _require_rooms_of(folder: Path, tree: Path) -> None:
    """Check that what would be measured is the checkout's: an installed campusgate could stand before it."""
    command = [sys.executable, "-c", _ASK_FOR_ITS_PLACE]
    found = subprocess.run(command, check=True, cwd=tree, env=_environment(tree), capture_output=True, text=True)
    if Path(found.stdout.strip()) != folder:
        raise CheckoutUnusableError(f"Python takes the rooms from {found.stdout.strip()} instead of {folder}")


def _environment(place: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(place)}


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{name}_")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


if __name__ == "__main__":
    sys.exit(main())
