"""What starting takes: `python -m benchmarks.starting [--rounds N] [--json]`.

Processor time of `campusgate --help`, and of importing the server as `campusgate serve` imports it, in a process of its
own each time; the best of `--rounds`.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.report import Report, budget, present

_IMPORT_SERVER = """
from campusgate.processes.garbage import pause_collection
with pause_collection():
    import campusgate.processes.server.app
"""


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.starting", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    help_ms = measure(["-m", "campusgate", "--help"], given.rounds)
    server_ms = measure(["-c", _IMPORT_SERVER], given.rounds)
    report = Report(
        "starting",
        {"help_processor_ms": help_ms, "server_import_processor_ms": server_ms},
        [
            budget("campusgate --help, processor ms", help_ms, "at most", 400),
            budget("importing the server, processor ms", server_ms, "at most", 2500),
        ],
    )
    return present(report, as_json=given.json)


def measure(arguments: Sequence[str], rounds: int) -> float:
    """Return the least milliseconds of processor time that this interpreter took with `arguments`."""
    least = float("inf")
    for _ in range(rounds):
        before = _children_s()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        least = min(least, _children_s() - before)
    return 1000 * least


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
