"""Processes that tests stop and kill, forked from one that has imported them: a server takes seconds to import."""

import contextlib
import io
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
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


@contextlib.contextmanager
def command(
    environment: Mapping[str, str], *arguments: object, errors: Path | None = None
) -> Iterator[tuple[BaseProcess, Connection]]:
    """Run `campusgate` in exactly this environment; yield its process and a pipe with what it prints, text by text.

    As a process of its own it would import for seconds before it does anything that a test is about. At the end it is
    killed. What it writes on standard error goes into the file `errors`, or where this process writes.
    """
    words = ["campusgate", *map(str, arguments)]
    with running(_run_command, words, dict(environment), errors) as (process, pipe):
        try:
            yield process, pipe
        finally:
            process.kill()


def _run_command(pipe: Connection, command: list[str], environment: dict[str, str], errors: Path | None) -> None:
    from campusgate.cli import main

    if errors is not None:
        with errors.open("wb") as file:
            os.dup2(file.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.stdout = command, _Printed(pipe)  # type: ignore[assignment]
    main()


class _Printed(io.TextIOBase):
    """Sends what is written through a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # as Click tries
            raise TypeError
        if text:
            self._pipe.send(text)
        return len(text)


def _do_nothing(_pipe: Connection) -> None:
    pass
