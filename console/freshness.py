"""How a live page knows that what it shows is still so: the server's beat, and for how long it may be missed."""

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


def told(event: str, *, now: datetime) -> ServerSentEvent:
    """Return one of these events, with the server's time."""
    data: dict[str, Any] = {"at": now.isoformat()}
    return ServerSentEvent(event=event, data=data)
