"""The stream behind the live pages: server-sent events that resume without a gap.

Every passage carries the journal's sequence number as its id. A browser that lost its connection names the last id it
saw, and the stream goes on behind it; a new one starts with the last few passages.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from database import Database
from operations import journal
from operations.board import Board, GateView
from operations.tables import GateEvent

_FIRST = 30
_POLL_S = 0.1
_PAGE = 200
_RETRY_MS = 1000

Names = Callable[[set[UUID]], Mapping[UUID, str]]


async def follow(
    database: Database,
    board: Board,
    names: Names,
    *,
    last_seen: int | None,
    still_allowed: Callable[[], Awaitable[bool]],
) -> AsyncIterator[ServerSentEvent]:
    """Yield the gates as they are and every passage after `last_seen`, then what changes, until no longer allowed."""
    cursor = last_seen if last_seen is not None else await run_in_threadpool(_start, database)
    seen = -1
    while await still_allowed():
        version = board.version
        if version == seen:
            await asyncio.sleep(_POLL_S)
            continue
        seen = version
        yield ServerSentEvent(event="gates", data=[describe_gate(view) for view in board.views()], retry=_RETRY_MS)
        while events := await run_in_threadpool(_after, database, cursor):
            known = await run_in_threadpool(names, {event.person_id for event in events if event.person_id})
            for event in events:
                cursor = event.sequence
                yield ServerSentEvent(event="passage", id=str(cursor), data=describe_event(event, known))


def describe_gate(view: GateView) -> dict[str, Any]:
    """Return what the board shows of a gate."""
    door = view.door
    return {
        "gate": view.gate,
        "controller": view.controller.value,
        "edge": view.edge.value,
        "door": None if door is None else {"state": door.state.value, "unlocked": door.unlocked, "tamper": door.tamper},
        "health": {source: dict(health.figures) for source, health in view.health.items()},
    }


def describe_event(event: GateEvent, names: Mapping[UUID, str]) -> dict[str, Any]:
    """Return what the pages show of an event; a person who is not known here is shown by id."""
    person = event.person_id
    return {
        "sequence": event.sequence,
        "gate": event.gate,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "person": None if person is None else names.get(person, str(person)),
        "method": event.method,
        "granted": event.granted,
        "reason": event.reason,
        "latency_ms": event.latency_ms,
        "historical": event.historical,
    }


def _start(database: Database) -> int:
    with database.read() as session:
        shown = journal.latest(session, limit=_FIRST)
    return shown[-1].sequence - 1 if shown else 0


def _after(database: Database, cursor: int) -> Sequence[GateEvent]:
    with database.read() as session:
        return journal.following(session, after=cursor, limit=_PAGE)
