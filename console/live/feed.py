"""One look at the gates for everybody who has a live page open.

However many pages are open, the database is queried once, and what is sent is made once for each kind of page. What has
changed since the look before is a tick; a page that has fallen behind the ticks that are kept is given everything anew.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
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
from directory.lag import Lag, find_behind
from operations import event_store, muster, orders
from operations.alarms import pictures, register
from operations.board import GateView
from operations.tables import GateEvent

_LOOK_EVERY_S = 0.1
_LOOK_AFTER_EACH_S = 0.0006
"""For each page that is open: writing to one takes about a fifth of it, and the rest is for everything else."""
_SLOW_EVERY_S = 1.0
"""Zones, lags and the gates' figures are not looked at more often: nobody sees them change faster."""
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
    """Queries what is due, in a thread: news at once, lags and zones once a second, everything for a beat."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._news = self._stored = self._arrived = -1
        self._beat_at = 0.0
        self._checked_at = 0.0
        self._slow_at = 0.0
        self._owes_zones = True
        self._behind: Mapping[str, Sequence[Lag]] = {}
        self._limits: Mapping[str, int] = {}
        self._zones: Sequence[Described] = ()
        self._described: dict[str, tuple[GateView, Sequence[Lag], Described]] = {}

    def is_due(self) -> bool:
        """Tell whether there is news, or something is to be queried again."""
        return self._services.board.news != self._news or self._slow_is_due() or self._beat_is_due()

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
        news, stored, arrived = services.board.news, services.board.stored, services.board.arrived
        is_beat = last is None or self._beat_is_due()
        is_changed = is_beat or stored != self._stored
        has_events = is_changed or arrived != self._arrived
        self._news, self._stored, self._arrived = news, stored, arrived
        with services.database.read() as session:
            self._query_slow(session, now, is_all_due=is_beat, has_events=has_events)
            state = self._query_state(session, now, last, is_changed=is_changed)
            cursor, found = _query_events(session, last, has_events=has_events)
        if len(found) == _MOST_EVENTS:
            self._news = self._arrived = -1
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

    def _slow_is_due(self) -> bool:
        return time.monotonic() - self._slow_at >= _SLOW_EVERY_S

    def _query_slow(self, session: Session, now: datetime, *, is_all_due: bool, has_events: bool) -> None:
        self._owes_zones |= has_events
        if not is_all_due and not self._slow_is_due():
            return
        self._slow_at = time.monotonic()
        behind: dict[str, list[Lag]] = {}
        for lag in find_behind(session, now):
            behind.setdefault(lag.gate, []).append(lag)
        self._behind = behind
        if is_all_due:
            self._limits = muster.limits(session)
        if self._owes_zones:
            self._zones, self._owes_zones = describe_zones(session, self._limits, now=now), False

    def _query_state(self, session: Session, now: datetime, last: Tick | None, *, is_changed: bool) -> State:
        gates = self._describe_gates()
        if last is not None and not is_changed:
            return replace(last.state, gates=gates, zones=self._zones)
        alarms, waiting = register.open_alarms(session), orders.waiting(session, now=now)
        names = self._services.names(collect_people(alarms, waiting))
        counted = pictures.count_by_alarm(session, [one.id for one in alarms])
        return State(
            gates=gates,
            alarms={str(one.id): describe_alarm(one, names, pictures=counted.get(one.id, 0)) for one in alarms},
            orders=[describe_order(one, names) for one in waiting],
            zones=self._zones,
        )

    def _describe_gates(self) -> Mapping[str, Described]:
        """Return every gate; one that is as it was is the same object, so that ticks and pages need not compare it."""
        described: dict[str, tuple[GateView, Sequence[Lag], Described]] = {}
        for view in self._services.board.views():
            behind = self._behind.get(view.gate, ())
            known = self._described.get(view.gate)
            if known is None or known[0] is not view or known[1] != behind:
                gate = describe_gate(view, behind)
                known = view, behind, known[2] if known is not None and known[2] == gate else gate
            described[view.gate] = known
        self._described = described
        return {name: gate for name, (_, _, gate) in described.items()}


def _query_events(session: Session, last: Tick | None, *, has_events: bool) -> tuple[int, Sequence[GateEvent]]:
    """Return the sequence number up to which everything is known then, and the events after the last tick's."""
    if last is None:
        return event_store.newest(session), ()
    found = event_store.following(session, after=last.cursor, limit=_MOST_EVENTS) if has_events else ()
    return (found[-1].sequence if found else last.cursor), found
