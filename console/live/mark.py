"""The stream behind pages that fetch themselves anew: a mark of what is shown, whenever it changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from console.live.heartbeat import AGAIN, Heartbeat, status_event
from console.services import ConsoleServices

_POLL_S = 2.0


async def stream_mark(
    services: ConsoleServices, find_mark: Callable[[], str], *, still_allowed: Callable[[], Awaitable[bool]]
) -> AsyncIterator[ServerSentEvent]:
    """Send a mark whenever it changes, for as long as the reader may see what it is of."""
    shown: str | None = None
    heartbeat = Heartbeat(poll_s=_POLL_S)
    while await still_allowed():
        mark = await run_in_threadpool(find_mark)
        if mark != shown:
            shown = mark
            yield ServerSentEvent(event="mark", data={"mark": mark}, retry=1000)
        if (due := heartbeat.next_event(now=services.now())) is not None:
            yield due
        await asyncio.sleep(_POLL_S)
    yield status_event(AGAIN, now=services.now())
