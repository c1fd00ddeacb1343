"""Processes that tests stop and kill, forked from one that has imported them: a server takes seconds to import."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from tests.waiting import PATIENCE_S

_processes = multiprocessing.get_context("forkserver")
_IMPORTED = [
    "benchmarks.fault_gate",
    "campusgate.cli",
    "campusgate.processes.controller",
    "campusgate.processes.server.app",
    "campusgate.processes.server.assembly",
    "enrollment.quality",
    "tests.accounts.ledger_client",
    "tests.console.server_alone",
    "tests.operations.ingest_alone",
    "uvicorn",
]


def prepare() -> None:
    """Start the process that the others are forked from; it ends with this one."""
    _processes.set_forkserver_preload(_IMPORTED)
    with running(_do_nothing):
        pass


@contextlib.contextmanager
def running(target: Callable[..., None], *arguments: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    """Run `target(pipe, *arguments)` and yield its process and our end of the pipe.

    At the end the pipe is closed, which the target should take as the word to end; who does not is killed.
    """
    ours, its = _processes.Pipe()
    process = _processes.Process(target=target, args=(its, *arguments), daemon=True)
    process.start()
    its.close()
    try:
        yield process, ours
    finally:
        ours.close()
        process.join(PATIENCE_S)
        process.kill()
        process.join()
        process.close()


def _do_nothing(_pipe: Connection) -> None:
    pass
