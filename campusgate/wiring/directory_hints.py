"""Hints to gates that a newer directory waits for them."""

import threading

import structlog

from bus import Connection, NotConnectedError
from messages import DirectoryHint, GateTopics

log = structlog.get_logger()


class DirectoryHints:
    """Publishes that a newer directory waits. Safe for threads.

    What could not be published is when the connection is there again: a gate that is hinted at asks seldom by itself.
    """

    def __init__(self, bus: Connection, site: str) -> None:
        """Publish over `bus` to the gates of `site`."""
        self._bus = bus
        self._site = site
        self._lock = threading.Lock()
        self._missed: dict[str, int] = {}
        bus.on_connect(self._send_missed)

    def __call__(self, gate: str, revision: int) -> None:
        """Publish for one gate, now or as soon as there is a connection."""
        if self._publish(gate, revision) and self._missed:
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
        return True
