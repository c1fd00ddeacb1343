"""How a live page knows that what it shows is still so: the server's beat, and for how long it may be missed."""

import time
from datetime import datetime
from typing import Any

from fastapi.sse import ServerSentEvent

BEAT_S = 5.0
"""A stream says at least this often that what it told is still so. It is said after the server has looked again."""
SILENT_S = 15.0
"""A page that heard nothing for this long shows how old its data is, and takes no orders: three beats were missed."""

BEAT = "beat"
UP_TO_DATE = "up_to_date"
AGAIN = "again"
"""The sign-in must be renewed, with a new connection; nothing is wrong."""


class Beat:
    """When a stream says that what it told is still so: first that all is told, then again and again."""

    def __init__(self, *, looks_every_s: float) -> None:
        """`looks_every_s`: how long it may be until the stream can say it the next time."""
        self._every_s = BEAT_S - looks_every_s
        self._at: float | None = None

    def due(self, *, now: datetime) -> ServerSentEvent | None:
        """Return what is to be said after everything was looked at; None when it was said a moment ago."""
        before, at = self._at, time.monotonic()
        if before is not None and at - before < self._every_s:
            return None
        self._at = at
        return told(UP_TO_DATE if before is None else BEAT, now=now)


def told(event: str, *, now: datetime) -> ServerSentEvent:
    """Return one of these events, with the server's time."""
    data: dict[str, Any] = {"at": now.isoformat()}
    return ServerSentEvent(event=event, data=data)
