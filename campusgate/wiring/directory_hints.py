"""Hints to gates that a newer directory waits for them."""

import threading
import time
from collections.abc import Callable

import structlog

from bus import Connection, NotConnectedError
from messages import DirectoryHint, GateTopics

log = structlog.get_logger()

AGAIN_S = 60.0
"""For so long a hint may have gone into a connection that nobody had found broken yet; then gates asked by themselves
(`access.replica.sync.HINTED_INTERVAL`)."""


class DirectoryHints:
    """Publishes that a newer directory waits. Safe for threads.

    What could not be published is when the connection is there again, and what was a moment ago is once more, for it
    may have been lost with the connection before: a gate that is hinted at asks seldom by itself.
    """

    def __init__(self, bus: Connection, site: str, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Publish over `bus` to the gates of `site`."""
        self._bus = bus
        self._site = site
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._missed: dict[str, int] = {}
        self._sent: dict[str, tuple[int, float]] = {}
        """The last hint of each gate, and when it was published."""
        bus.on_connect(self._send_again)

    def __call__(self, gate: str, revision: int) -> None:
        """Publish for one gate, now or as soon as there is a connection."""
        if self._publish(gate, revision) and self._missed:
            self._send_missed()

    def _send_again(self) -> None:
        since_s = self._clock_s() - AGAIN_S
        with self._lock:
            recent = {gate: revision for gate, (revision, at_s) in self._sent.items() if at_s >= since_s}
            self._missed = recent | self._missed
        self._send_missed()

    def _send_missed(self) -> None:
        with self._lock:
            missed, self._missed = self._missed, {}
        for gate, revision in missed.items():
            self._publish(gate, revision)

    def _publish(self, gate: str, revision: int) -> bool:
        hint = DirectoryHint(gate=gate, revision=revision)
        try:
            self._bus.publish(GateTopics(self._site, gate).directory, hint.encode())
        except NotConnectedError:
            with self._lock:
                self._missed[gate] = revision
            log.info("directory_hint_not_sent", gate=gate)
            return False
        with self._lock:
            self._sent[gate] = revision, self._clock_s()
        return True
