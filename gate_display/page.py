"""The page of a gate's screen and the stream behind it, for whoever serves them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.sse import ServerSentEvent
from jinja2 import Environment, FileSystemLoader

from gate_display.screen import Screen, Shown
from gate_display.words import describe

FOLDER = Path(__file__).parent
HEARTBEAT_S = 5.0
SILENT_S = 15.0
"""A page that heard nothing for so long says that it has no contact: three beats were missed."""
_POLL_S = 0.1
_RETRY_MS = 1000

_templates = Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True)


def render(*, title: str, zone: ZoneInfo, stream: str, static: Callable[[str], str]) -> str:
    """Return the page as HTML.

    Args:
        title: of the gate, as people know it.
        zone: of the campus, for the clock: a panel's own may be any.
        stream: the address of its events.
        static: the address of a file of `static/`.
    """
    return _templates.get_template("display.html").render(
        title=title,
        zone=zone.key,
        stream=stream,
        static=static,
        silent_ms=round(SILENT_S * 1000),
        lost=describe("no_contact"),
    )


def as_json(shown: Shown) -> dict[str, Any]:
    """Return what the page draws."""
    return {"look": shown.look, "answer": shown.answer, **describe(shown.words)}


async def stream_screen(
    screen: Screen,
    still_allowed: Callable[[], Awaitable[bool]],
    refresh: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[ServerSentEvent]:
    """Yield `screen` when it changes and `beat` in between, as long as `still_allowed`.

    `refresh` brings a screen up to date that nobody else keeps so.
    """
    sent: Shown | None = None
    sent_at = 0.0
    while await still_allowed():
        if refresh is not None:
            await refresh()
        shown, now = screen.shown(), time.monotonic()
        if shown != sent:
            sent, sent_at = shown, now
            yield ServerSentEvent(event="screen", data=as_json(shown), retry=_RETRY_MS)
        elif now - sent_at >= HEARTBEAT_S:
            sent_at = now
            yield ServerSentEvent(event="beat", data={"at": datetime.now(UTC).isoformat()})
        await asyncio.sleep(_POLL_S)
