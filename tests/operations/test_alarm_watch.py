import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from access.policy import GatePolicy
from database import Database, new_id
from directory import gates
from messages import Availability, ProcessStatus
from operations.alarms import register
from operations.alarms.escalation import Route
from operations.alarms.rules import AlarmKind, Signal
from operations.alarms.watch import AlarmWatch, Escalation
from operations.board import Board
from operations.notices.in_app import InAppNotifier
from operations.notices.port import Notice, NoticeNotSentError
from operations.notices.webhook import WebhookNotifier
from tests.served import WebhookReceiver, served

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@dataclass
class Pager:
    """A channel in the test's hands."""

    channel: str = "pager"
    works: bool = True
    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        if not self.works:
            raise NoticeNotSentError("nobody answers")
        self.sent.append(notice)


@dataclass
class Night:
    """A gate, its watch, and a clock that can be moved."""

    watch: AlarmWatch
    board: Board
    pager: Pager
    now: datetime = NOW
    broker: bool = True

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.watch.update()
        self.watch.send_due()

    def controller(self, status: ProcessStatus) -> None:
        message = Availability(gate="north", status=status, boot_id=new_id())
        self.board.availability(message, source="controller", heard_at=self.now)

    def alarms(self) -> list[tuple[str, bool]]:
        with self.watch.database.read() as session:
            return [(alarm.kind, alarm.escalated_at is not None) for alarm in register.open_alarms(session)]


@pytest.fixture
def night(database: Database) -> Night:
    with database.begin() as session:
        gates.add(session, GatePolicy(gate="north"), title="North", by="test", now=NOW)
    board, pager = Board(), Pager()
    escalations = [
        Escalation(Route("pager", timedelta(0)), pager),
        Escalation(Route("in_app", timedelta(minutes=5)), InAppNotifier(board)),
    ]
    watch = AlarmWatch(database, board, lambda: night.broker, escalations=escalations, now=lambda: night.now)
    night = Night(watch, board, pager)
    return night


def test_a_controller_that_vanishes_is_told_once_and_forgotten_when_it_is_back(night: Night) -> None:
    night.controller(ProcessStatus.ONLINE)
    night.later(1000)
    assert night.alarms() == []
    night.controller(ProcessStatus.OFFLINE)
    night.later(30)
    assert night.alarms() == []
    for _ in range(3):
        night.later(31)
    assert night.alarms() == [("controller_offline", False)]
    assert [notice.headline for notice in night.pager.sent] == ["MAJOR: controller offline (offline), gate north"]
    night.controller(ProcessStatus.ONLINE)
    night.later(1)
    assert night.alarms() == []


def test_what_nobody_acknowledges_is_escalated(night: Night) -> None:
    night.later(0)
    night.later(61)
    before = night.board.version
    night.later(299)
    assert night.alarms() == [("controller_offline", False)]
    assert night.board.version == before
    night.later(1)
    assert night.alarms() == [("controller_offline", True)]
    assert night.board.version > before, "the pages were not told"


def test_a_channel_that_does_not_answer_is_tried_again(night: Night) -> None:
    night.pager.works = False
    night.later(0)
    night.later(61)
    night.later(1)
    night.pager.works = True
    assert night.pager.sent == []
    night.later(5)
    night.later(60)
    assert len(night.pager.sent) == 1


def test_an_acknowledged_alarm_goes_no_further(night: Night) -> None:
    night.later(0)
    night.later(61)
    with night.watch.database.begin() as session:
        [alarm] = register.open_alarms(session)
        register.acknowledge(session, alarm.id, by=new_id(), note="", now=night.now)
    night.later(9999)
    assert night.alarms() == [("controller_offline", False)]


def test_without_a_broker_there_is_one_alarm_for_the_whole_site(night: Night) -> None:
    night.controller(ProcessStatus.ONLINE)
    night.broker = False
    night.later(0)
    night.controller(ProcessStatus.OFFLINE)
    night.later(500)
    assert night.alarms() == [("broker_lost", False)]
    night.broker = True
    night.controller(ProcessStatus.ONLINE)
    night.later(1)
    assert night.alarms() == []


def test_two_servers_send_each_notice_once(database: Database) -> None:
    with database.begin() as session:
        for gate in ("north", "south"):
            gates.add(session, GatePolicy(gate=gate), title=gate, by="test", now=NOW)
            found = [
                Signal(gate, kind, NOW, raises=True) for kind in (AlarmKind.FORCED, AlarmKind.HELD, AlarmKind.SPOOF)
            ]
            register.apply(session, found, now=NOW)
    ready = threading.Barrier(2)
    with served(WebhookReceiver()) as roster:

        def serve(_number: int) -> int:
            notifier = WebhookNotifier(roster.url, b"shared with the receiver")
            told_at_once = [Escalation(Route("webhook", timedelta(0)), notifier)]
            watch = AlarmWatch(database, Board(), lambda: True, escalations=told_at_once, now=lambda: NOW)
            ready.wait()
            return watch.send_due()

        with ThreadPoolExecutor(2) as servers:
            sent = list(servers.map(serve, range(2)))
    assert sum(sent) == 6
    assert len({headers["Idempotency-Key"] for headers, _ in roster.requests}) == len(roster.requests) == 6
