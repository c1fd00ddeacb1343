"""How a live page knows that what it shows is still so: the server's heartbeat, and for how long it may be missed."""

import time
from datetime import datetime
from typing import Any

from fastapi.sse import ServerSentEvent

HEARTBEAT_S = 5.0
"""A stream says at least this often that what it sent is still so, each time after everything was queried again."""
SILENT_S = 15.0
"""A page that heard nothing for this long shows how old its data is, and takes no orders: three beats were missed."""

BEAT = "beat"
UP_TO_DATE = "up_to_date"
AGAIN = "again"
"""The sign-in must be renewed, with a new connection; nothing is wrong."""


class Heartbeat:
    """When a stream says that what it sent is still so: first that all is sent, then again and again."""

    def __init__(self, *, poll_s: float) -> None:
        """`poll_s`: how long it may be until the stream can send it the next time."""
        self._every_s = HEARTBEAT_S - poll_s
        self._at: float | None = None

    def is_due(self) -> bool:
        """Tell whether everything is to be queried again, for `next_event` to be sent."""
        return self._at is None or time.monotonic() - self._at >= self._every_s

    def next_event(self, *, now: datetime) -> ServerSentEvent | None:
        """Return what is to be sent after everything was queried; None when it was sent a moment ago."""
        if not self.is_due():
            return None
        event = UP_TO_DATE if self._at is None else BEAT
        self._at = time.monotonic()
        return status_event(event, now=now)


def status_event(event: str, *, now: datetime) -> ServerSentEvent:
    """Return one of these events, with the server's time."""
    data: dict[str, Any] = {"at": now.isoformat()}
    return ServerSentEvent(event=event, data=data)
