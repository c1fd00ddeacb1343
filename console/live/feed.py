"""One look at the gates for everybody who has a live page open.

However many pages are open, the database is queried once, and what is sent is made once for each kind of page. What has
changed since the look before is a tick; a page that has fallen behind the ticks that are kept is given everything anew.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from console.live import heartbeat
from console.live.current_roles import CHECK_EVERY_S
from console.live.state import Described, Scope, State
from console.live.wire import encode
from console.services import ConsoleServices
from console.views.board import collect_people, describe_alarm, describe_gate, describe_order, describe_zones
from console.views.events import describe_events
from directory.lag import Lag, find_lags
from operations import event_store, orders
from operations.alarms import register

_LOOK_EVERY_S = 0.1
_LOOK_AFTER_EACH_S = 0.0006
"""For each page that is open: writing to one takes about a fifth of it, and the rest is for everything else."""
_SLOW_EVERY_S = 1.0
"""Zones and lags are counted from many rows, and nobody sees them change faster."""
_TICKS_KEPT = 32
_MOST_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Tick:
    """What one look found: the state, the events that arrived since the look before, and their last sequence number."""

    number: int
    at: datetime
    cursor: int
    before: State
    state: State
    events: Sequence[Described] = ()
    is_beat: bool = False
    _encoded: dict[Scope, bytes] = field(default_factory=dict, repr=False)

    def encode(self, scope: Scope) -> bytes:
        """Return what a page that had the tick before is sent."""
        if scope.gate is not None:
            return self._encode(scope)
        if scope not in self._encoded:
            self._encoded[scope] = self._encode(scope)
        return self._encoded[scope]

    def _encode(self, scope: Scope) -> bytes:
        passages = [one for one in self.events if scope.gate in {None, one["gate"]}]
        beat = encode(heartbeat.BEAT, {"at": self.at.isoformat()}) if self.is_beat else b""
        return self.state.changes(self.before, scope) + encode_passages(passages, scope) + beat


def encode_passages(described: Sequence[Described], scope: Scope) -> bytes:
    """Return events of gates as a page is sent them."""
    return b"".join(encode("passage", scope.passage(one), sequence=one["sequence"]) for one in described)


class Feed:
    """Looks for as long as anybody follows. One event loop uses it."""

    def __init__(self, services: ConsoleServices) -> None:
        """Nobody follows yet."""
        self._services = services
        self._followers = 0
        self._task: asyncio.Task[None] | None = None
        self._ticks: deque[Tick] = deque(maxlen=_TICKS_KEPT)
        self._woken = asyncio.Event()
        self._look = _Look(services)

    @property
    def services(self) -> ConsoleServices:
        """What the pages work with."""
        return self._services

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Let it look until the block is left; it has looked once when the block is entered."""
        self._followers += 1
        try:
            if self._task is None or self._task.done():
                self._ticks.clear()
                self._task = asyncio.create_task(self._run())
            while not self._ticks:
                await self._wait()
            yield
        finally:
            self._followers -= 1
            if self._followers == 0 and self._task is not None:
                self._task.cancel()
                self._task = None

    def newest(self) -> Tick:
        """Return where it stands now."""
        return self._ticks[-1]

    async def after(self, tick: Tick) -> Sequence[Tick] | None:
        """Return the ticks after `tick`, none when there is none within a second; None when they are not kept."""
        if self._ticks and self._ticks[-1].number == tick.number:
            await self._wait()
        if not self._ticks or tick.number < self._ticks[0].number - 1 or tick.number > self._ticks[-1].number:
            return None
        missing = self._ticks[-1].number - tick.number
        return tuple(islice(self._ticks, len(self._ticks) - missing, None))

    async def _wait(self) -> None:
        await self._woken.wait()
        if self._task is not None and self._task.done():
            self._task.result()

    async def _run(self) -> None:
        try:
            while True:
                tick = await run_in_threadpool(self._look.take, self._ticks[-1] if self._ticks else None)
                if tick is not None:
                    self._ticks.append(tick)
                if tick is not None or self._look.is_time_to_check():
                    self._wake()
                await asyncio.sleep(max(_LOOK_EVERY_S, self._followers * _LOOK_AFTER_EACH_S))
                while not self._look.is_due():
                    if self._look.is_time_to_check():
                        self._wake()
                    await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()


class _Look:
    """Queries everything when it is due, in a thread."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._seen = -1
        self._beat_at = 0.0
        self._checked_at = 0.0
        self._slow_at = 0.0
        self._lags: Mapping[str, Sequence[Lag]] = {}
        self._zones: Sequence[Described] = ()

    def is_due(self) -> bool:
        """Tell whether something changed, or everything is to be queried again for the next beat."""
        return self._services.board.version != self._seen or self._beat_is_due()

    def is_time_to_check(self) -> bool:
        """Tell, once in a while, that streams must ask whether they may go on."""
        if time.monotonic() < self._checked_at + CHECK_EVERY_S:
            return False
        self._checked_at = time.monotonic()
        return True

    def take(self, last: Tick | None) -> Tick | None:
        """Return what there is after `last`; None when nothing is to be said."""
        services, now = self._services, self._services.now()
        # Everything is queried after this: what changes meanwhile is a reason to look again.
        self._seen = services.board.version
        is_beat = last is None or self._beat_is_due()
        with services.database.read() as session:
            state = self._query_state(session, now, last, is_all_due=is_beat)
            if last is None:
                cursor, found = event_store.newest(session), []
            else:
                found = list(event_store.following(session, after=last.cursor, limit=_MOST_EVENTS))
                cursor = found[-1].sequence if found else last.cursor
        if len(found) == _MOST_EVENTS:
            self._seen = -1
        if last is not None and not found and not is_beat and state == last.state:
            return None
        if is_beat:
            self._beat_at = time.monotonic()
        return Tick(
            number=last.number + 1 if last is not None else 0,
            at=now,
            cursor=cursor,
            before=last.state if last is not None else state,
            state=state,
            events=describe_events(services, found),
            is_beat=is_beat,
        )

    def _beat_is_due(self) -> bool:
        return time.monotonic() - self._beat_at >= heartbeat.HEARTBEAT_S - _LOOK_EVERY_S

    def _query_state(self, session: Session, now: datetime, last: Tick | None, *, is_all_due: bool) -> State:
        services = self._services
        alarms, waiting = register.open_alarms(session), orders.waiting(session, now=now)
        if is_all_due or time.monotonic() >= self._slow_at + _SLOW_EVERY_S:
            self._query_slow(session, now)
        else:
            self._seen = -1
        names = services.names(collect_people(alarms, waiting))
        gates = {view.gate: describe_gate(view, self._lags.get(view.gate, ())) for view in services.board.views()}
        known = last.state.gates if last is not None else {}
        return State(
            # What has not changed is kept once, however many ticks are.
            gates={name: known[name] if known.get(name) == gate else gate for name, gate in gates.items()},
            alarms={str(one.id): describe_alarm(one, names) for one in alarms},
            orders=[describe_order(one, names) for one in waiting],
            zones=self._zones,
        )

    def _query_slow(self, session: Session, now: datetime) -> None:
        lags: dict[str, list[Lag]] = {}
        for lag in find_lags(session, now):
            if lag.behind:
                lags.setdefault(lag.gate, []).append(lag)
        self._lags, self._zones = lags, describe_zones(session, now=now)
        self._slow_at = time.monotonic()
