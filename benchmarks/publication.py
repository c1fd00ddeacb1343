"""What it costs to bring people to the gates: everybody at once, and then one change after the other.

    python -m benchmarks.publication [--people N] [--gates N] [--changes N] [--growth] [--postgresql] [--json]

People with a card and a template are made up, and all gates let all of them pass. Processor time is this process's, in
which the publisher runs alone; PostgreSQL's own is not in it. `--growth` publishes at one gate a small campus and one
of twelve times as many people (`--sizes`), and compares what a person costs.
"""

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.directory import Campus
from benchmarks.fleet_campus import database_url
from benchmarks.report import Report, budget, present
from tests.doubles.processes import quiet

_SIZES = (5_000, 60_000)


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.publication", description=__doc__)
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--gates", type=int, default=100)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--growth", action="store_true", help="what a person costs on a small and on a large campus")
    parser.add_argument("--sizes", type=int, nargs=2, default=_SIZES, help="people of both")
    parser.add_argument("--postgresql", action="store_true", help="PostgreSQL instead of SQLite")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if min(given.people, given.gates, given.changes) < 1 or given.changes > given.people:
        parser.error("people, gates and changes must be positive, and no more change than there are")
    quiet()
    if given.growth:
        return present(measure_growth(*given.sizes, postgresql=given.postgresql), as_json=given.json)
    figures = measure(given.people, given.gates, given.changes, postgresql=given.postgresql)
    return present(Report("publication", figures, []), as_json=given.json)


def measure(people: int, gates: int, changes: int, *, postgresql: bool = False) -> dict[str, Any]:
    """Return what one campus costs: seconds and processor time of the first publication, and of one change."""
    with tempfile.TemporaryDirectory(prefix="campusgate-publication-") as name:
        folder = Path(name)
        with database_url(folder, postgresql=postgresql) as url:
            campus = Campus(url, people, [f"gate-{number:04}" for number in range(gates)])
            begun = time.process_time()
            first_s = campus.publish()
            first_cpu_s = time.process_time() - begun
            begun, begun_cpu = time.perf_counter(), time.process_time()
            for person in campus.people[:changes]:
                _suspend(campus, person)
                campus.publish()
            changes_s, changes_cpu_s = time.perf_counter() - begun, time.process_time() - begun_cpu
            campus.database.close()
    return {
        "database": "postgresql" if url.startswith("postgresql") else "sqlite",
        "people": people,
        "gates": gates,
        "publication_s": first_s,
        "publication_cpu_s": first_cpu_s,
        "a_person_cpu_us": first_cpu_s / people * 1e6,
        "one_change_ms": changes_s / changes * 1000,
        "one_change_cpu_ms": changes_cpu_s / changes * 1000,
    }


def measure_growth(small_size: int, large_size: int, *, postgresql: bool = False) -> Report:
    """Return what a person costs on a small and on a large campus."""
    small, large = (measure(people, 1, 1, postgresql=postgresql) for people in (small_size, large_size))
    growth = large["a_person_cpu_us"] / small["a_person_cpu_us"]
    figures = {f"a_person_of_{one['people']}_cpu_us": one["a_person_cpu_us"] for one in (small, large)}
    figures["growth"] = growth
    budgets = [budget("a person of the large campus against one of the small", growth, "at most", 1.1)]
    return Report("publication", figures, budgets)


def _suspend(campus: Campus, person: UUID) -> None:
    from accounts import people as accounts
    from accounts.tables import Person
    from accounts.vocabulary import PersonState

    with campus.database.begin() as session:
        record = session.get_one(Person, person)
        accounts.set_state(session, record, PersonState.SUSPENDED, by="system", now=datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main())
