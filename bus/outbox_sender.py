"""Sends the entries of an outbox to the broker, in order, and forgets only what has arrived."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from bus.connection import Connection
from bus.errors import NotConnectedError
from bus.outbox import Entry, Outbox

log = structlog.get_logger()

LATE_AFTER = timedelta(seconds=10)
"""An entry older than this when it is sent belongs to the past."""
SEND_AGAIN_S = 15.0
"""How often entries without a receipt are sent again; each has had at least that long to get one."""

_BATCH = 100
_RETRY_S = 1.0


class OutboxSender:
    """A thread that empties an outbox whenever there is a broker: at least once, oldest first.

    Without receipts an entry has arrived when the broker acknowledged it. With receipts (`needs_receipts`) it stays
    until its addressee has named it (`confirm`), so nothing is lost while the addressee is away and the broker is not;
    the oldest entries are sent again until then, the new ones at once.
    """

    def __init__(
        self,
        outbox: Outbox,
        connection: Connection,
        *,
        mark_late: Callable[[bytes], bytes],
        needs_receipts: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        send_again_s: float = SEND_AGAIN_S,
    ) -> None:
        """Take what to empty and where to; `mark_late` rewrites the payload of an entry that is sent late."""
        self._outbox = outbox
        self._connection = connection
        self._mark_late = mark_late
        self._needs_receipts = needs_receipts
        self._now = now
        self._send_again_s = send_again_s
        self._sent_to = self._overdue_to = 0
        self._again_at = time.monotonic() + send_again_s
        self._sent_again: set[UUID] = set()
        self._go_on = False
        """Everything sent again last was confirmed: the addressee is back, and the next ones need not wait."""
        self._sending = threading.Lock()
        self._confirming = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start sending."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="outbox-sender", daemon=True)
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
            self.send_pending()

    def confirm(self, ids: Iterable[UUID]) -> None:
        """Forget entries that have arrived: their addressee said so."""
        named = set(ids)
        self._outbox.done(named)
        with self._confirming:
            waited = bool(self._sent_again)
            self._sent_again -= named
            if waited and not self._sent_again:
                self._go_on = True
                self._outbox.changed.set()

    def send_pending(self) -> int:
        """Send what was not sent yet, or waits too long for its receipt; return how many the broker acknowledged."""
        with self._sending:
            if self._needs_receipts:
                self._send_overdue(is_time=time.monotonic() >= self._again_at)
            sent, position = 0, self._sent_to if self._needs_receipts else 0
            while entries := self._outbox.pending(_BATCH, after=position):
                acknowledged = self._send(entries)
                sent += acknowledged
                if acknowledged:
                    position = self._sent_to = entries[acknowledged - 1].sequence
                if acknowledged < len(entries):
                    break
            return sent

    def _send_overdue(self, *, is_time: bool) -> None:
        """Send the oldest entries again: when it is time, and at once after all of the last ones were confirmed."""
        if not is_time and not self._go_on:
            return
        # Only what was sent before the last round: receipts for the newer ones may be on their way.
        overdue = [entry for entry in self._outbox.pending(_BATCH) if entry.sequence <= self._overdue_to]
        with self._confirming:
            self._go_on = False
            # Before they are sent: a receipt is sometimes faster than the broker's own answer.
            self._sent_again = {entry.id for entry in overdue}
        self._send(overdue)
        if is_time:
            self._again_at = time.monotonic() + self._send_again_s
            self._overdue_to = self._sent_to

    def _send(self, entries: list[Entry]) -> int:
        messages = [(entry.topic, self._payload(entry.payload, entry.at)) for entry in entries]
        try:
            acknowledged = self._connection.publish_all(messages)
        except NotConnectedError:
            return 0
        if not self._needs_receipts:
            self._outbox.done(entry.id for entry in entries[:acknowledged])
        return acknowledged

    def _payload(self, payload: bytes, at: datetime) -> bytes:
        # What was put while the clock was ahead is as old as it is far in the future.
        if abs(self._now() - at) <= LATE_AFTER:
            return payload
        try:
            return self._mark_late(payload)
        except ValueError:
            log.exception("outbox_entry_not_marked")
            return payload

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._outbox.changed.wait(_RETRY_S if len(self._outbox) else None)
            self._outbox.changed.clear()
            if self._connection.connected and not self._stopping.is_set():
                try:
                    self.send_pending()
                except Exception:
                    log.exception("outbox_sender_failed")
