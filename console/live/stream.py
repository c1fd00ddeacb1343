"""The stream behind the live pages: server-sent events that resume without a gap.

Every passage carries its event's sequence number as its id. A browser that lost its connection names the last id it
saw, and the stream goes on behind it; a new one starts with the last few passages. What is so is sent whole first
(`gates`, `alarms`, `orders`, `zones`), then what changes of it (`gates_changed`, `alarms_changed`). `up_to_date` comes
when all that was so is sent, and `beat` again and again, each time after everything was queried once more
(`console.live.heartbeat`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import structlog
from fastapi.concurrency import run_in_threadpool

from console.live.feed import Feed, Tick, encode_passages
from console.live.heartbeat import AGAIN, UP_TO_DATE
from console.live.state import Scope
from console.live.wire import encode
from console.services import ConsoleServices
from console.views.events import describe_events
from database import DatabaseBusyError, StorageError
from operations import event_store

log = structlog.get_logger()

_FIRST = 30
_PAGE = 100
_RETRY = b"retry: 1000\n\n"


async def stream_gates(
    feed: Feed, *, last_seen: int | None, still_allowed: Callable[[], Awaitable[bool]], scope: Scope
) -> AsyncIterator[bytes]:
    """Yield what is and every passage after `last_seen`, then what changes, until no longer allowed.

    It also ends where the database does not answer.
    """
    try:
        services, cursor = feed.services, last_seen
        ticks: Sequence[Tick] | None = None
        yield _RETRY
        async with feed.followed():
            tick = feed.newest()
            while await still_allowed():
                if ticks is None:
                    tick = feed.newest()
                    yield tick.state.whole(scope)
                    async for passages in _catch_up(services, cursor, tick, scope):
                        yield passages
                        # Who is far behind, or reads slowly, must not go on with the past once their time here is over.
                        if not await still_allowed():
                            yield encode(AGAIN, {"at": services.now().isoformat()})
                            return
                    yield encode(UP_TO_DATE, {"at": tick.at.isoformat()})
                elif ticks:
                    if changed := b"".join(one.encode(scope) for one in ticks):
                        yield changed
                    tick = ticks[-1]
                cursor = tick.cursor
                ticks = await feed.after(tick)
        yield encode(AGAIN, {"at": services.now().isoformat()})
    except (StorageError, DatabaseBusyError) as error:
        # The page opens its stream anew, and that one goes on where this one ends.
        log.warning("stream_ended", error=type(error).__name__)


async def _catch_up(services: ConsoleServices, cursor: int | None, tick: Tick, scope: Scope) -> AsyncIterator[bytes]:
    """Yield the passages after `cursor` up to the tick's, page by page."""
    last = await run_in_threadpool(_first_cursor, services, scope.gate) if cursor is None else cursor
    while found := await run_in_threadpool(_page, services, last, tick.cursor, scope):
        passages, last = found
        yield passages


def _first_cursor(services: ConsoleServices, gate: str | None) -> int:
    with services.database.read() as session:
        shown = event_store.latest(session, limit=_FIRST, gate=gate)
    return shown[-1].sequence - 1 if shown else 0


def _page(services: ConsoleServices, cursor: int, until: int, scope: Scope) -> tuple[bytes, int] | None:
    with services.database.read() as session:
        events = event_store.following(session, after=cursor, until=until, limit=_PAGE, gate=scope.gate)
    if not events:
        return None
    return encode_passages(describe_events(services, events), scope), events[-1].sequence
