"""`campusgate` as somebody runs it in a shell, but within this process.

A new process would spend seconds on importing what this one has. That the command starts as a process, is quick to
help, and dies well is tested where processes are meant: `test_command_line`, `test_killed_commands`, `test_commands`.
"""

import io
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from unittest.mock import patch

import structlog

from campusgate.cli import main
from campusgate.processes import process_age


def run(
    *arguments: object, environment: Mapping[str, str] = os.environ, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; what it returns is what `subprocess.run` would."""
    command = ["campusgate", *map(str, arguments)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    typed_at = time.monotonic()
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", command),
        patch.object(sys, "stdin", io.StringIO(stdin)),
        patch.object(sys, "excepthook", sys.excepthook),
        patch.object(process_age, "read_process_age_s", lambda: time.monotonic() - typed_at),
        redirect_stdout(out),
        redirect_stderr(err),
        logs_as_before(),
        _signals_as_before(),
        _umask_as_before(),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


@contextmanager
def _signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _umask_as_before() -> Iterator[None]:
    before = os.umask(0o077)
    os.umask(before)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def logs_as_before() -> Iterator[None]:
    """Whatever is done to the logs within the block is undone at its end."""
    root, were_configured, configuration = logging.getLogger(), structlog.is_configured(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    # The command closes the handlers that it finds: they are pytest's.
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        if were_configured:
            structlog.configure(**configuration)
        else:
            structlog.reset_defaults()
