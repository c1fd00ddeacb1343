"""Workers of xdist forked from one process that has imported every test: to import them takes seconds.

A worker is as any of xdist's and collects the tests itself, but finds all modules imported. For each one xdist runs a
command, which here is `tests.worker_door`: a worker forked by the process with the modules gets its standard streams.
"""

import atexit
import contextlib
import multiprocessing.util
import os
import select
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Sequence
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

_DOOR = Path(__file__).parent / "worker_door.py"
_ALONE = ["-n0", "--dist=no", "--collect-only", "-qq", f"--junit-xml={os.devnull}"]
"""After the options of the whole run."""

imported_in_s = 0.0
"""Processor time that the modules took, for the first worker that has them."""


class ForkedWorkers:
    """A plugin of pytest, for the process that hands out the tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._arguments = [str(one) for one in config.invocation_params.args]
        self._end = contextlib.ExitStack()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        door = Path(self._end.enter_context(tempfile.TemporaryDirectory())) / "door"
        self._end.enter_context(started(door, self._arguments))
        for spec in specs:
            if spec.popen:
                spec.python = shlex.join(worker_command(door))

    def pytest_unconfigure(self) -> None:
        self._end.close()


def started(door: Path, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process that imports what `arguments` of pytest name, and answers at `door` until its input ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        listener.listen()
        number = listener.fileno()
        code = f"import sys; sys.path[:] = {sys.path}; from tests import forked_workers; "
        code += f"forked_workers.serve({number}, {[*arguments]})"
        command = [sys.executable, "-c", code]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[number])


def worker_command(door: Path) -> list[str]:
    """Return what takes the place of the interpreter in a worker's command."""
    return [sys.executable, "-I", "-S", str(_DOOR), str(door)]


def serve(listener: int, arguments: list[str]) -> None:
    """Import the tests, then fork a worker for each request."""
    global imported_in_s  # noqa: PLW0603 - read by the workers, which are forked from here
    status = pytest.main([*arguments, *_ALONE])
    imported_in_s = time.process_time()
    if (asked := _fork_workers(listener)) is None:
        return
    command, streams = asked
    are_sound = status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if are_sound:
        _start_fork_server()
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    if not are_sound:
        # The worker is to find and report itself what is wrong with a module, not to find it half imported.
        os.execv(sys.executable, [sys.executable, *command])
    _run_to_the_end(command[-1], vars(sys.modules["__main__"]))  # as Python does with what follows -c


def _fork_workers(number: int) -> tuple[list[str], list[int]] | None:
    """Return a worker's command and streams, in the worker; nothing, at the end, in this process."""
    global imported_in_s  # noqa: PLW0603
    with socket.socket(fileno=number) as listener, contextlib.suppress(KeyboardInterrupt):
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            asked, _ = listener.accept()
            command, streams, *_ = socket.recv_fds(asked, 1 << 16, 3)
            if not os.fork():
                asked.detach()  # closed by the system when the worker ends
                return command.decode().split("\0"), streams
            imported_in_s = 0.0
            asked.close()
            for stream in streams:
                os.close(stream)
    return None


def _start_fork_server() -> None:
    """Start the process that `tests.forked` forks others from as `multiprocessing` does, but with our modules."""
    resource_tracker.ensure_running()
    with patch.object(multiprocessing.util, "spawnv_passfds", _fork):
        forkserver.ensure_running()


def _fork(_path: str, command: list[bytes | str], kept: Iterable[int]) -> int:
    if pid := os.fork():
        return pid
    try:
        open_now = {int(one.name) for one in Path("/proc/self/fd").iterdir()}
        for number in open_now - {0, 1, 2, *kept}:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(number)
        _run_to_the_end(os.fsdecode(command[-1]), {})
    finally:
        os._exit(1)


def _run_to_the_end(code: str, names: dict[str, Any]) -> None:
    """Run what an interpreter was to run, and end this process."""
    try:
        exec(code, names)
    except SystemExit:
        pass
    except BaseException:  # noqa: BLE001 - said as Python would
        traceback.print_exc()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Not by `sys.exit`: ONNX Runtime's destructors wait for a thread that it starts when imported; no fork has it.
    os._exit(0)
