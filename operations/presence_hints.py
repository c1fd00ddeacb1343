"""Tells gates that somebody passed another gate of their zone. A courtesy: they ask by themselves soon."""

import threading
import time
from collections.abc import Mapping

import structlog

from bus import Connection, NotConnectedError
from messages import GateTopics, PresenceHint

log = structlog.get_logger()

PAUSE_S = 0.5
"""Between two hints to a gate: in a rush one hint stands for many passages."""


class PresenceHints:
    """Safe for threads; nothing waits for the network. The first hint goes at once, later ones after the pause."""

    def __init__(self, connection: Connection, site: str) -> None:
        self._connection = connection
        self._site = site
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}
        self._sent_at = float("-inf")
        self._timer: threading.Timer | None = None

    def publish(self, revisions: Mapping[str, int]) -> None:
        """Tell each gate the revision of its zone's passages."""
        if not revisions:
            return
        with self._lock:
            self._waiting.update(revisions)
            if self._timer is not None:
                return
            left = self._sent_at + PAUSE_S - time.monotonic()
            if left > 0:
                self._timer = threading.Timer(left, self._send)
                self._timer.daemon = True
                self._timer.start()
                return
        self._send()

    def _send(self) -> None:
        with self._lock:
            self._timer, self._sent_at = None, time.monotonic()
            waiting, self._waiting = self._waiting, {}
        for gate, revision in waiting.items():
            hint = PresenceHint(gate=gate, revision=revision)
            try:
                self._connection.publish(GateTopics(self._site, gate).presence, hint.encode())
            except NotConnectedError:
                log.debug("presence_hint_not_sent", gate=gate)
                return
