"""Requests from `wrk` (Debian's package of that name): a client in Python would cost as much as the server."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process_usage import processor_s
from benchmarks.server_process import ServerProcess

SCRIPTS = Path(__file__).parent


class WrkMissingError(Exception):
    """`wrk` is not on this machine."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one run came to."""

    requests: int
    per_s: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    """Processor time of the server for one request."""

    def figures(self, prefix: str) -> dict[str, float]:
        """Return it as figures of a report.

        Raises:
            RuntimeError: nothing was answered.
        """
        if not self.requests:
            raise RuntimeError(f"{prefix}: no answer within the time; let it run longer")
        return {
            f"{prefix}_per_s": self.per_s,
            f"{prefix}_p50_ms": self.p50_ms,
            f"{prefix}_p99_ms": self.p99_ms,
            f"{prefix}_server_ms": self.server_ms,
        }


def press(
    server: ServerProcess,
    path: str,
    *,
    clients: int,
    seconds: float,
    script: str,
    arguments: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Ask for `path` over `clients` connections that each wait for their answers; `script` lies beside this file.

    Raises:
        WrkMissingError: see there.
        RuntimeError: an answer was an error.
    """
    program = shutil.which("wrk")
    if program is None:
        raise WrkMissingError("wrk is not installed: Debian package `wrk`")
    named = [part for name, value in (headers or {}).items() for part in ("-H", f"{name}: {value}")]
    where = ["-t", "1", "-c", str(clients), "-d", f"{max(1, round(seconds))}s", "--timeout", "30s", *named]
    command = [program, *where, "-s", str(SCRIPTS / script), f"{server.url}{path}", "--", *arguments]
    before = processor_s(server.pid)
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent_s = processor_s(server.pid) - before
    found = json.loads(told.splitlines()[-1])
    if found["errors"]:
        raise RuntimeError(f"{path}: {found['errors']} errors in {found['requests']} answers: {told}")
    return Answered(
        requests=found["requests"],
        per_s=found["requests"] / found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        server_ms=spent_s * 1000 / max(1, found["requests"]),
    )
