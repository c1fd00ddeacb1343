"""Tells whoever supervises a process that it lives, for as long as its loops make progress.

systemd hears it on the socket that it names (sd_notify(3): `READY=1`, `WATCHDOG=1`, `STOPPING=1`), and kills and starts
a process again that it has not heard of for `WatchdogSec`. The health check of a container looks when a file was last
touched. A process that is stopped, or holds Python's lock, says nothing; for one whose loop stands still the watchdog
says nothing.
"""

import faulthandler
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

log = structlog.get_logger()

LONGEST_BEAT_S: Final = 5.0
"""Between two signs of life; systemd may want them more often."""
_BEATS: Final = 4
"""In the time after which systemd ends the process: a busy machine may lose some."""


class Watchdog:
    """Gives signs of life from `begin` to `end`, or in a `with` block around the work of the process."""

    def __init__(
        self,
        heartbeat_file: Path | None = None,
        *,
        environment: Mapping[str, str] = os.environ,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what the supervisor wants; where nobody listens, nothing is done.

        Args:
            heartbeat_file: touched at each sign of life.
            environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, as systemd sets them.
            monotonic: seconds of a clock that never goes back.
        """
        self._file = heartbeat_file
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._monotonic = monotonic
        self._limits: dict[str, float] = {}
        self._turned: dict[str, float] = {}
        self._still: tuple[str, ...] = ()
        self._ending = threading.Event()
        watches = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        wanted_s = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if watches else 0.0
        self.beat_s = min(LONGEST_BEAT_S, wanted_s / _BEATS) if wanted_s else LONGEST_BEAT_S
        """Seconds between two signs of life."""

    def watch(self, loop: str, within_s: float) -> Callable[[], None]:
        """Return what `loop` calls at each of its turns, also at those with nothing to do: every `within_s` at least.

        What it waits for in a turn must end sooner: a database that hangs is no reason to start a server again.
        """
        self._limits[loop] = within_s

        def turn() -> None:
            self._turned[loop] = self._monotonic()

        turn()
        return turn

    def begin(self) -> None:
        """Say that the process is ready, and give signs of life from now on."""
        self._turned = dict.fromkeys(self._limits, self._monotonic())
        if self._address or self._file is not None:
            if self._address and not faulthandler.is_enabled():
                # The signal by which systemd ends what hangs then shows where each thread stood.
                faulthandler.enable()
            self._tell("READY=1")
            self.look()
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def end(self) -> None:
        """Say that the process ends. No sign of life follows: systemd waits for the end only so long."""
        self._ending.set()
        self._tell("STOPPING=1")

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def look(self) -> tuple[str, ...]:
        """Give a sign of life if every loop makes progress; return those that do not."""
        now = self._monotonic()
        still = tuple(loop for loop, within_s in self._limits.items() if now - self._turned[loop] > within_s)
        if still != self._still:
            self._still = still
            if still:
                log.error("loops_stand_still", loops=list(still))
            self._tell(f"STATUS={', '.join(still)} made no progress lately" if still else "STATUS=")
        if not still:
            self._tell("WATCHDOG=1")
            self._touch()
        return still

    def _run(self) -> None:
        while not self._ending.wait(self.beat_s):
            self.look()

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        # "@" begins the name of a socket that is no file.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
                # A supervisor that does not read is told nothing, and the next beat tries again.
                peer.settimeout(1.0)
                peer.sendto(message.encode(), address)
        except OSError as error:
            log.warning("supervisor_not_told", error=error.strerror)

    def _touch(self) -> None:
        if self._file is None:
            return
        try:
            self._file.touch()
        except OSError as error:
            log.warning("heartbeat_file_not_touched", path=str(self._file), error=error.strerror)
