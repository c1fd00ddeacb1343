"""A command of campusgate as a process that can be killed, frozen and started again."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from campusgate.settings import Settings

_ENDS_WITHIN_S = 10.0


def as_environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Return this process's environment with settings, by their names, in place of whatever it says of campusgate's.

    Where models lie stays as it is.
    """
    found = Settings()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")}
    settings = {"cache_dir": found.cache_dir, "model_mirror": found.model_mirror, **values}
    return kept | {f"CAMPUSGATE_{name.upper()}": _as_text(one) for name, one in settings.items() if one is not None}


class CommandProcess:
    """`python -m campusgate ARGUMENTS…`, from `start` to `kill`; entered, to the end of the block."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Nothing runs yet; what it says is added to `log`."""
        self.log = log
        self._command = [sys.executable, "-m", "campusgate", *arguments]
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()

    @property
    def pid(self) -> int:
        """Its number.

        Raises:
            RuntimeError: it does not run.
        """
        if self._process is None:
            raise RuntimeError(f"{self._command[3]} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it; return at once."""
        with self._lock, self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut does; frozen or not."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
                process.wait()

    def start_if_ended(self) -> bool:
        """Start it again where it has ended by itself, as the system's supervisor does; return whether it had."""
        with self._lock:
            ended = self._process is not None and self._process.poll() is not None
            if ended:
                self.start()
            return ended

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is not None:
            sys.stderr.write(self.log.read_text(encoding="utf-8", errors="replace")[-1000:])
        process.terminate()
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)
