"""Child processes of the demonstration, each with its own environment and log file.

Each is the real `campusgate` command; only the server is started with the demonstration's bank beside it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from errors import OperatorError

_STOP_WAIT_S = 5.0


class ChildError(OperatorError):
    """A child process ended or did not become ready; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """One running process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def log_end(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-8:])


class Children:
    """Starts processes, notices when one dies, and stops them all at the end, last started first."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Write logs below `folder`; every child gets `environment` on top of this process's own."""
        self._folder = folder
        self._environment = dict(environment)
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        """Nothing runs yet."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every child."""
        for name in reversed(list(self._children)):
            self.stop(name)

    def start(
        self, name: str, *arguments: str, module: str = "campusgate", extra: Mapping[str, str] | None = None
    ) -> Child:
        """Start `python -m MODULE ARGUMENTS…` under `name`."""
        log = self._folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **self._environment, **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children[name] = child
        return child

    def stop(self, name: str, *, kill: bool = False) -> None:
        """Stop one child and wait for it; `kill` is as hard as a power cut."""
        child = self._children.pop(name)
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            child.process.wait(_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one child."""
        self._children[name].process.send_signal(number)

    def wait_until(self, ready: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
        """Wait until `ready()` holds.

        Raises:
            ChildError: a child ended meanwhile, or the time ran out.
        """
        end = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > end:
                words = "\n".join(f"[{child.name}] {child.log_end()}" for child in self._children.values())
                raise ChildError(f"{what}: not within {seconds:.0f} s; the logs end:\n{words}")
            time.sleep(0.02)

    def check(self) -> None:
        """Raise ChildError when a child has ended by itself."""
        for child in self._children.values():
            code = child.process.poll()
            if code is not None:
                raise ChildError(f"{child.name} ended with exit code {code}; its log ends:\n{child.log_end()}")
