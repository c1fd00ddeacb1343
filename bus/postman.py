"""Carries the entries of an outbox to the broker, in order, and forgets only what was acknowledged."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from bus.connection import Connection
from bus.errors import NotConnectedError
from bus.outbox import Outbox

log = structlog.get_logger()

LATE_AFTER = timedelta(seconds=10)
"""An entry older than this when it is sent belongs to the past."""

_BATCH = 100
_ASK_AGAIN_S = 1.0


class Postman:
    """A thread that empties an outbox whenever there is a broker: at least once, oldest first."""

    def __init__(
        self,
        outbox: Outbox,
        connection: Connection,
        *,
        mark_late: Callable[[bytes], bytes],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what to empty and where to; `mark_late` rewrites the payload of an entry that is sent late."""
        self._outbox = outbox
        self._connection = connection
        self._mark_late = mark_late
        self._now = now
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start carrying."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)
        self._thread.start()
        self._connection.on_connect(self._outbox.changed.set)

    def stop(self, *, last_round: bool = True) -> None:
        """End; with `last_round`, try once more to send what waits. Call it before the connection is stopped."""
        self._stopping.set()
        self._outbox.changed.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if last_round:
            self.carry()

    def carry(self) -> int:
        """Send what waits and return how many were acknowledged."""
        sent = 0
        while entries := self._outbox.pending(_BATCH):
            messages = [(entry.topic, self._payload(entry.payload, entry.at)) for entry in entries]
            try:
                acknowledged = self._connection.publish_all(messages)
            except NotConnectedError:
                return sent
            self._outbox.done(entries[:acknowledged])
            sent += acknowledged
            if acknowledged < len(entries):
                return sent
        return sent

    def _payload(self, payload: bytes, at: datetime) -> bytes:
        if self._now() - at <= LATE_AFTER:
            return payload
        try:
            return self._mark_late(payload)
        except ValueError:
            log.exception("outbox_entry_not_marked")
            return payload

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._outbox.changed.wait(_ASK_AGAIN_S if len(self._outbox) else None)
            self._outbox.changed.clear()
            if self._connection.connected and not self._stopping.is_set():
                try:
                    self.carry()
                except Exception:
                    log.exception("postman_failed")
