"""Time passing over the alarms: what nobody reports is noticed, what is over ends, and people are told."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from database import Database, DatabaseBusyError, StorageError, new_id
from directory import gates
from directory.acknowledgements import find_contradictions
from directory.lag import find_behind
from operations.alarms import register
from operations.alarms.conditions import Limits, Observation, signals
from operations.alarms.escalation import Route, due
from operations.alarms.rules import EVERYWHERE, NATURE, AlarmKind
from operations.board import Board
from operations.notices.port import Notice, NoticeNotSentError, Notifier
from operations.tables import Alarm

log = structlog.get_logger()

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Escalation:
    """Which channel is told, and when."""

    route: Route
    notifier: Notifier


@dataclass
class AlarmWatch:
    """A thread that looks once a second.

    `broker_there` tells whether the server hears the gates at all, `orders_there` whether it can give orders,
    `contested` which of the two connections is ended again and again, and `clock_doubt` why the server's clock cannot
    be believed.
    """

    database: Database
    board: Board
    broker_there: Callable[[], bool]
    limits: Limits = field(default_factory=Limits)
    escalations: Sequence[Escalation] = ()
    orders_there: Callable[[], bool] = lambda: True
    contested: Callable[[], str | None] = lambda: None
    clock_doubt: Callable[[], str | None] = lambda: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    storage: Callable[[datetime], str | None] = lambda _now: None
    """Why the database takes no writes, or None; tried now and then."""
    _started_at: datetime | None = field(default=None, init=False)
    _broker_lost_at: datetime | None = field(default=None, init=False)
    _orders_lost_at: datetime | None = field(default=None, init=False)
    _storage_reported: bool = field(default=False, init=False)

    def run(self, stop: threading.Event) -> None:
        """Update and send until `stop` is set."""
        while not stop.wait(_EVERY_S):
            try:
                self.update()
                self.send_due()
            except StorageError as error:
                self.report_storage_fault(error.fault)
            except (SQLAlchemyError, DatabaseBusyError) as error:
                log.warning("alarms_not_looked_at", error=type(error).__name__)

    def update(self) -> int:
        """Raise and end alarms by what is true now, and return how many changed."""
        now, doubt = self.now(), self.clock_doubt()
        with self.database.read() as session:
            found = signals(self._observe(session, now, doubt), register.going_on(session), self.limits)
        if not found:
            return 0
        with self.database.begin() as session:
            changed = register.apply(session, found, now=now)
        if changed:
            self.board.touch()
        self._storage_reported = False
        return changed

    def report_storage_fault(self, fault: str) -> None:
        """Send, once until a write is taken again, an alarm that cannot be written down: there is no room for it."""
        if self._storage_reported:
            return
        self._storage_reported = True
        now, kind = self.now(), AlarmKind.STORAGE_FULL
        log.critical("storage_unusable", fault=fault)
        notice = Notice(
            alarm_id=new_id(),
            gate=EVERYWHERE,
            kind=kind.value,
            severity=NATURE[kind].severity.value,
            reason=fault,
            raised_at=now,
            count=1,
            escalated=False,
        )
        for one in self.escalations:
            if not due([one.route], (), kind=kind, waited=timedelta.max):
                continue
            try:
                one.notifier.send(notice)
            except NoticeNotSentError as failure:
                log.warning("notice_not_sent", channel=one.route.channel, error=str(failure)[:200])

    def send_due(self) -> int:
        """Send the notices that are due, and return how many notices were delivered."""
        now = self.now()
        routes = [one.route for one in self.escalations]
        if not routes:
            return 0
        by_channel: Mapping[str, Notifier] = {one.route.channel: one.notifier for one in self.escalations}
        with self.database.read() as session:
            due = register.untold(session, routes, now=now)
        delivered = 0
        for alarm, route in due:
            with self.database.begin() as session:
                if not register.claim(session, alarm.id, route, now=self.now()):
                    continue
            error = None
            try:
                by_channel[route.channel].send(_notice(alarm, route))
                delivered += 1
            except NoticeNotSentError as failure:
                error = str(failure)[:200]
                log.warning("notice_not_sent", channel=route.channel, alarm_id=str(alarm.id), error=error)
            with self.database.begin() as session:
                register.told(session, alarm.id, route, error=error, now=self.now())
        if due:
            self.board.touch()
        return delivered

    def _observe(self, session: Session, now: datetime, clock_doubt: str | None) -> Observation:
        if self._started_at is None:
            self._started_at = now
        if self._broker_lost_at is not None and self.broker_there():
            self._started_at = now
        self._broker_lost_at = None if self.broker_there() else self._broker_lost_at or now
        self._orders_lost_at = None if self.orders_there() else self._orders_lost_at or now
        return Observation(
            now=now,
            started_at=self._started_at,
            gates=list(gates.find_titles(session)),
            views={view.gate: view for view in self.board.views()},
            lags=find_behind(session, now),
            contradictions={one.gate: one.reason for one in find_contradictions(session)},
            broker_lost_at=self._broker_lost_at,
            orders_lost_at=self._orders_lost_at,
            contested=self.contested(),
            clock_doubt=clock_doubt,
            storage_fault=self.storage(now),
        )


def _notice(alarm: Alarm, route: Route) -> Notice:
    return Notice(
        alarm_id=alarm.id,
        gate=alarm.gate,
        kind=alarm.kind,
        severity=alarm.severity,
        reason=alarm.reason,
        raised_at=alarm.raised_at,
        count=alarm.count,
        escalated=route.after > timedelta(),
    )
