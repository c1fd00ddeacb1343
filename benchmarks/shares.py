"""Where the processor time of a piece of work goes, by its parts: a table from what py-spy has sampled.

    python -m benchmarks.payments --database sqlite --shape spread --seconds 20 &
    py-spy record --gil --format raw --duration 10 --output samples --pid PID     # of the server's process
    python -m benchmarks.shares samples

`--of photo` (of `benchmarks.photo`, without `--gil`: networks run without that lock) and `--of poll` (of the server of
`benchmarks.polls`) draw other work; a frame's parts are timed by `benchmarks.frame`.

A sample counts for the innermost part that its stack passes through: SQLAlchemy's time is the time of whoever asked it.
py-spy is no dependency of this project: `pip install py-spy` somewhere.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

Parts = tuple[tuple[str, tuple[str, ...]], ...]
"""Name of each part, and the files it is made of; the first that a frame fits, innermost frame first."""

_PAYMENT: Parts = (
    (
        "journal, balances, limits: the ledger",
        ("accounts/ledger/posting", "accounts/ledger/decision", "accounts/ledger/sql"),
    ),
    ("group commit: gathering, transaction, answers", ("accounts/ledger/writer",)),
    ("merchants, cards, holders of the group", ("accounts/payments/", "accounts/cards/", "accounts/people/")),
    ("whose token: the look-up for all who ask", ("accounts/devices", "accounts/services", "web/batched_reads")),
    ("the route and its bodies", ("accounts/api/", "pydantic/")),
    ("FastAPI: dependencies, validation, answer", ("fastapi/", "starlette/routing", "starlette/requests")),
    ("finding the route", ("web/route_index",)),
    ("guards and headers around it", ("web/", "starlette/", "uvicorn/middleware")),
    ("HTTP and sockets", ("uvicorn/", "h11/", "httptools/", "asyncio/", "uvloop/")),
)
_PHOTO: Parts = (
    ("template: four views of the face", ("models/embedders/",)),
    ("finding the face, its landmarks twice", ("models/detector", "models/landmarks", "models/engine", "models/hints")),
    ("the rules: person mask", ("enrollment/person_mask",)),
    ("the rules: closed eyes", ("enrollment/eye_state",)),
    ("the rules: all others", ("enrollment/quality/",)),
    ("reading and writing JPEG, reducing", ("enrollment/picture_file", "enrollment/photo", "enrollment/srgb")),
    ("around it", ("enrollment/",)),
)
_POLL: Parts = (
    ("what the gate lacks", ("directory/", "access/")),
    ("whose token", ("accounts/", "web/batched_reads")),
    ("database around it", ("database/", "sqlalchemy/")),
    ("FastAPI: dependencies, validation, answer", ("fastapi/", "starlette/routing", "starlette/requests", "pydantic/")),
    ("finding the route", ("web/route_index",)),
    ("guards and headers around it", ("web/", "starlette/", "uvicorn/middleware")),
    ("HTTP and sockets", ("uvicorn/", "h11/", "httptools/", "asyncio/", "uvloop/")),
)
WORK: dict[str, Parts] = {"payment": _PAYMENT, "photo": _PHOTO, "poll": _POLL}
_OTHER = "other"
_WAITING = ("threading.py", "queue.py", "selectors.py", "concurrent/futures/thread.py", "paho/")
"""Where a thread stands that waits: without `--gil`, py-spy may take it for busy."""
_BAR = 40


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.shares", description=__doc__)
    parser.add_argument("samples", type=Path, help="what `py-spy record --format raw` wrote")
    parser.add_argument("--of", choices=sorted(WORK), default="payment")
    given = parser.parse_args()
    parts = WORK[given.of]
    print(draw(count(given.samples.read_text(encoding="utf-8").splitlines(), parts), parts))
    return 0


def count(lines: Iterable[str], parts: Parts) -> Counter[str]:
    """Return the samples of each part, without those of threads that wait.

    A line is a stack, outermost frame first, and how often it was seen.
    """
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, seen = line.rpartition(" ")
        frames = stack.split(";")
        if not frames[-1].rpartition("(")[2].startswith(_WAITING):
            counted[part_of(frames, parts)] += int(seen)
    return counted


def part_of(stack: list[str], parts: Parts) -> str:
    """Return the part that a stack of frames, `name (file:line)`, counts for."""
    for frame in reversed(stack):
        file = frame.rpartition("(")[2]
        for part, files in parts:
            if file.startswith(files):
                return part
    return _OTHER


def draw(counted: Counter[str], parts: Parts) -> str:
    """Return a Markdown table with bars, in the order of `parts`."""
    total = max(1, counted.total())
    names = [name for name, _ in parts if counted[name]] + ([_OTHER] if counted[_OTHER] else [])
    rows = [f"| {name} | {counted[name] / total:.0%} | {'█' * round(_BAR * counted[name] / total)} |" for name in names]
    return "\n".join(("| Part | Share | |", "|---|---:|:---|", *rows))


if __name__ == "__main__":
    sys.exit(main())
