"""Metering: meters on lines, and sessions at showers.

    python -m benchmarks.metering [--lines N] [--meters N] [--turns N] [--json]
    python -m benchmarks.metering --sessions [N] [--json] [...]

Without `--sessions`: simulated meters answer from a process of their own over TCP. They are read as fast as they can be
by our lines and by `dlt645`'s asyncio client, by turns; then once at 2400 bps, where an answer takes 100 ms and 2 % of
the meters are silent, by `campusgate meters` itself; and cycles are stored as the server stores them. With
`--sessions`: see `benchmarks.metering_sessions`, which has its own arguments.
"""

import argparse
import sys
from importlib import import_module

from benchmarks import metering_lines
from benchmarks.report import present

_SESSIONS = "--sessions"


def main() -> int:
    """Read the arguments, run, print."""
    if _SESSIONS in sys.argv:
        if sys.argv[-1] == _SESSIONS or sys.argv[sys.argv.index(_SESSIONS) + 1].startswith("-"):
            # Without a number: as many as it has by default.
            sys.argv.remove(_SESSIONS)
        return int(import_module("benchmarks.metering_sessions").main())
    parser = argparse.ArgumentParser(prog="benchmarks.metering", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=50)
    parser.add_argument("--meters", type=int, default=100, help="on each line")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = metering_lines.run(lines=arguments.lines, meters=arguments.meters, turns=arguments.turns)
    return present(report, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
