"""What every benchmark prints: one JSON object with `--json`, a readable table without.

{benchmark, figures, peers, ratios, budgets: [{what, budget, got, met}], machine}; ratios are ours against the peer
measured in the same run, above 1 when we are better. The exit code is 1 when a budget is missed.
"""

import json
import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Budget:
    """A figure and what it must be."""

    what: str
    budget: float
    got: float
    met: bool


def budget(what: str, got: float, sense: Literal["at least", "at most"], limit: float) -> Budget:
    """Judge a figure; one that is not a number misses its budget."""
    met = got >= limit if sense == "at least" else got <= limit
    return Budget(f"{what} {sense}", limit, got, met)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one benchmark."""

    benchmark: str
    figures: dict[str, Any]
    budgets: list[Budget]
    peers: dict[str, Any] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether every budget was met."""
        return all(each.met for each in self.budgets)

    def as_dict(self) -> dict[str, Any]:
        """Return the object of the contract."""
        parts = {
            "figures": self.figures,
            "peers": self.peers,
            "ratios": self.ratios,
            "budgets": [asdict(each) for each in self.budgets],
        }
        return {
            "benchmark": self.benchmark,
            **{name: _rounded(part) for name, part in parts.items()},
            "machine": machine(),
        }


def present(report: Report, *, as_json: bool) -> int:
    """Print the report on standard output; return the exit code."""
    if as_json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        _print_tables(report.as_dict())
    return 0 if report.met else 1


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Yield `items` with a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=what)


def machine() -> dict[str, Any]:
    """Name what the figures depend on."""
    versions = {name: metadata.version(name) for name in ("numpy", "onnxruntime", "opencv-python-headless")}
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": platform.system(),
        **versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _rounded(value: Any) -> Any:
    """Keep six significant digits: more would be noise."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value


def _print_tables(report: dict[str, Any]) -> None:
    console = Console()
    for title in ("figures", "peers", "ratios"):
        if report[title]:
            table = Table("", "", title=f"{report['benchmark']}: {title}", title_justify="left", show_header=False)
            for name, value in _flat(report[title]):
                table.add_row(name, str(value))
            console.print(table)
    table = Table("budget", "limit", "got", "met", title=f"{report['benchmark']}: budgets", title_justify="left")
    for each in report["budgets"]:
        table.add_row(each["what"], str(each["budget"]), str(each["got"]), "yes" if each["met"] else "NO")
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in report["machine"].items()), style="dim")


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} · ")
        else:
            yield f"{prefix}{name}", value
