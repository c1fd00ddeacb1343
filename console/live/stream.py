"""The stream behind the live pages: server-sent events that resume without a gap.

Every passage carries its event's sequence number as its id. A browser that lost its connection names the last id it
saw, and the stream goes on behind it; a new one starts with the last few passages. Gates, open alarms and waiting
orders are sent as they are, whole, when they have changed. `up_to_date` comes once, when all that was so is sent, and
`beat` again and again, each time after everything was queried once more (`console.live.heartbeat`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from console.live.heartbeat import AGAIN, Heartbeat, status_event
from console.services import ConsoleServices
from console.views.board import collect_people, describe_alarm, describe_gate, describe_order, describe_zones
from console.views.events import describe_events
from database import Database
from directory.lag import find_lags
from operations import event_store, orders
from operations.alarms import register
from operations.tables import GateEvent

_FIRST = 30
_POLL_S = 0.1
_PAGE = 200
_RETRY_MS = 1000


async def stream_gates(
    services: ConsoleServices,
    *,
    last_seen: int | None,
    still_allowed: Callable[[], Awaitable[bool]],
    gate: str | None = None,
) -> AsyncIterator[ServerSentEvent]:
    """Yield what is and every passage after `last_seen`, then what changes, until no longer allowed.

    With `gate`, only what concerns that gate.
    """
    board, database = services.board, services.database
    cursor = last_seen if last_seen is not None else await run_in_threadpool(_first_cursor, database, gate)
    seen, sent = -1, dict[str, Any]()
    heartbeat = Heartbeat(poll_s=_POLL_S)
    while await still_allowed():
        version = board.version
        # Also with each heartbeat: waiting orders run out without anybody changing them.
        if version == seen and not heartbeat.is_due():
            await asyncio.sleep(_POLL_S)
            continue
        seen = version
        for name, data in (await run_in_threadpool(_query_state, services, gate)).items():
            if sent.get(name) != data:
                sent[name] = data
                yield ServerSentEvent(event=name, data=data, retry=_RETRY_MS)
        while events := await run_in_threadpool(_events_after, database, cursor, gate):
            shown = await run_in_threadpool(describe_events, services, events)
            for event, data in zip(events, shown, strict=True):
                # Who is far behind, or reads slowly, must not go on with the past after their time here is over.
                if not await still_allowed():
                    yield status_event(AGAIN, now=services.now())
                    return
                cursor = event.sequence
                yield ServerSentEvent(event="passage", id=str(cursor), data=data)
        if (due := heartbeat.next_event(now=services.now())) is not None:
            yield due
    yield status_event(AGAIN, now=services.now())


def _query_state(services: ConsoleServices, gate: str | None) -> dict[str, Any]:
    """Return gates, alarms and orders as they are."""
    with services.database.read() as session:
        alarms = [one for one in register.open_alarms(session) if gate in {None, one.gate}]
        waiting = orders.waiting(session, now=services.now()) if gate is None else []
        zones = describe_zones(session, now=services.now()) if gate is None else []
        behind = [one for one in find_lags(session, services.now(), gate=gate) if one.behind]
    names = services.names(collect_people(alarms, waiting))
    views = [view for view in services.board.views() if gate in {None, view.gate}]
    return {
        "gates": [describe_gate(view, [one for one in behind if one.gate == view.gate]) for view in views],
        "alarms": [describe_alarm(one, names) for one in alarms],
        "orders": [describe_order(one, names) for one in waiting],
        "zones": zones,
    }


def _first_cursor(database: Database, gate: str | None) -> int:
    with database.read() as session:
        shown = event_store.latest(session, limit=_FIRST, gate=gate)
    return shown[-1].sequence - 1 if shown else 0


def _events_after(database: Database, cursor: int, gate: str | None) -> Sequence[GateEvent]:
    with database.read() as session:
        return event_store.following(session, after=cursor, limit=_PAGE, gate=gate)
