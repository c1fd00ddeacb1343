"""The server's clock on record, and who asks before something is erased or closed by it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.tables import AuditEntry
from database import Database
from messages import ProcessStatus
from operations.board import Board
from operations.server_clock import ClockDoubt, ServerClock, Witness
from operations.tables import ServerClockRecord
from web.times import steady_s

log = structlog.get_logger()

_KEPT_EVERY_S = 60.0
_IDLE = timedelta(days=30)
"""A database without a time on record is doubted only when nothing was written in it for so long."""


class ClockGuard:
    """Looks at the clock whenever it is asked. Safe for threads."""

    def __init__(
        self,
        database: Database,
        board: Board,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        elapsed: Callable[[], float] = steady_s,
    ) -> None:
        self._database = database
        self._board = board
        self._now = now
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._clock: ServerClock | None = None
        self._kept_s = float("-inf")

    def doubt(self) -> ClockDoubt | None:
        """Return why the clock cannot be believed; None when it can."""
        return self.check()[1]

    def check(self) -> tuple[datetime, ClockDoubt | None]:
        """Return the time for what must not happen too early, and why the clock cannot be believed.

        In doubt it is the earlier one of the times that may be right.
        """
        clock, now, elapsed = self._advance()
        if clock.doubt is None:
            return now, None
        return min(now, clock.expected(elapsed)), clock.doubt.why

    def _advance(self) -> tuple[ServerClock, datetime, float]:
        with self._lock:
            now, elapsed = self._now(), self._elapsed()
            before = self._clock or self._on_record(now, elapsed)
            # Nobody is asked about a clock that was believed: a doubt has to last before their word counts.
            in_doubt = before.doubt is not None
            confirmed_at = self._confirmed_at() if in_doubt else None
            witnesses = self._witnesses() if in_doubt else []
            after = before.advance(now, elapsed, witnesses=witnesses, confirmed_at=confirmed_at)
            if before.doubt is None and after.doubt is not None:
                log.error("server_clock_in_doubt", why=after.doubt.why.value, expected=str(before.expected(elapsed)))
            if before.doubt is not None and after.doubt is None:
                log.warning("server_clock_believed")
            self._clock = after
            if after.doubt is None and (before.doubt is not None or elapsed - self._kept_s >= _KEPT_EVERY_S):
                self._keep(now)
                self._kept_s = elapsed
            return after, now, elapsed

    def _on_record(self, now: datetime, elapsed: float) -> ServerClock:
        with self._database.read() as session:
            record = session.get(ServerClockRecord, 1)
            if record is not None:
                return ServerClock(record.believed_at, elapsed)
            newest = session.scalar(select(func.max(AuditEntry.at)))
        return ServerClock(newest if newest is not None and abs(now - newest) > _IDLE else now, elapsed)

    def _confirmed_at(self) -> datetime | None:
        with self._database.read() as session:
            record = session.get(ServerClockRecord, 1)
            return record.confirmed_at if record is not None else None

    def _keep(self, now: datetime) -> None:
        with self._database.begin() as session:
            _record(session, now).believed_at = now

    def _witnesses(self) -> list[Witness]:
        found = []
        for view in self._board.views():
            health = view.health.get("controller")
            steady = health.figures.get("clock_steady_s") if health is not None else None
            if health is not None and view.controller is ProcessStatus.ONLINE and isinstance(steady, int | float):
                found.append(Witness(health.at, float(steady)))
        return found


def confirm(session: Session, *, by: str, now: datetime) -> None:
    """Note that an administrator vouches for the clock as it stands at `now`."""
    _record(session, now).confirmed_at = now
    audit.record(session, actor=by, action="clock.confirm", subject="server:clock", now=now)


def on_record(session: Session) -> tuple[datetime, datetime | None] | None:
    """Return when the clock was last believed, and when it was last confirmed; None before the first start."""
    record = session.get(ServerClockRecord, 1)
    return (record.believed_at, record.confirmed_at) if record is not None else None


def _record(session: Session, now: datetime) -> ServerClockRecord:
    record = session.get(ServerClockRecord, 1)
    if record is None:
        record = ServerClockRecord(id=1, believed_at=now)
        session.add(record)
    return record
