from pathlib import Path

import pytest

from bus.outbox import Outbox
from edge.camera import Condition, FeedReport, FeedStatus
from edge.camera_report import SILENT, CameraReporter
from edge.event_recorder import EventRecorder
from edge.outbox import EventOutbox, receipts_for
from messages import Event, EventKind, MalformedMessageError, Receipt, mark_historical
from tests.edge.staging import TOPICS, EventLog


@pytest.fixture
def log() -> EventLog:
    return EventLog()


@pytest.fixture
def reporter(log, clock) -> CameraReporter:
    return CameraReporter(EventRecorder("north", log, clock), silent_after=3.0)


def report(status: FeedStatus, last: float | None = None, losses: int = 0) -> FeedReport:
    return FeedReport(status, 10, 0, losses, last, None)


def test_a_camera_that_is_lost_and_comes_back_is_reported_once_each(reporter, log) -> None:
    for at in range(5):
        reporter.report_connection(report(FeedStatus.RUNNING, last=float(at)), float(at))
    for at in range(5, 9):
        reporter.report_connection(report(FeedStatus.LOST, losses=1), float(at))
    assert not reporter.running
    for at in range(9, 12):
        reporter.report_connection(report(FeedStatus.RUNNING, last=float(at)), float(at))
    assert log.kinds() == [EventKind.CAMERA_LOST, EventKind.CAMERA_BACK]
    assert reporter.running


def test_a_camera_that_was_never_there_is_reported(reporter, log) -> None:
    reporter.report_connection(report(FeedStatus.CONNECTING), 0.0)
    reporter.report_connection(report(FeedStatus.LOST), 1.0)
    assert log.kinds() == [EventKind.CAMERA_LOST]


def test_a_connected_camera_that_sends_nothing_is_silent(reporter, log) -> None:
    reporter.report_connection(report(FeedStatus.RUNNING, last=0.0), 2.0)
    assert log.events == []
    reporter.report_connection(report(FeedStatus.RUNNING, last=0.0), 4.0)
    reporter.report_connection(report(FeedStatus.RUNNING, last=0.0), 5.0)
    assert [(event.kind, event.reason) for event in log.events] == [(EventKind.CAMERA_LOST, SILENT)]


def test_a_recording_that_ended_is_no_loss(reporter, log) -> None:
    reporter.report_connection(report(FeedStatus.RUNNING, last=0.0), 0.0)
    reporter.report_connection(report(FeedStatus.ENDED, last=0.0), 100.0)
    assert log.events == []


def test_a_bad_view_is_reported_with_what_is_wrong_and_when_it_is_over(reporter, log) -> None:
    for condition in (Condition.GOOD, Condition.COVERED, Condition.COVERED, Condition.GOOD):
        reporter.report_view(condition)
    assert [(event.kind, event.reason) for event in log.events] == [
        (EventKind.CAMERA_IMPAIRED, "covered"),
        (EventKind.CAMERA_CLEAR, "covered"),
    ]


def test_events_wait_in_the_outbox_until_the_server_has_them(clock, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    event = EventRecorder("north", EventOutbox(outbox, TOPICS), clock).record(EventKind.CAMERA_LOST, reason="silent")
    (entry,) = outbox.pending()
    assert (entry.topic, Event.decode(entry.payload)) == (TOPICS.events, event)
    handle = receipts_for(outbox.done)
    handle(TOPICS.receipts, b"not a receipt", False)
    assert len(outbox) == 1
    handle(TOPICS.receipts, Receipt(gate="north", ids=(event.id,)).encode(), False)
    assert len(outbox) == 0
    outbox.close()


def test_a_full_outbox_gives_up_strangers_first(clock, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", limit=3)
    events = EventRecorder("north", EventOutbox(outbox, TOPICS), clock)
    events.record(EventKind.FACE_REFUSED, reason="unknown_face")
    granted = [events.record(EventKind.FACE_GRANTED, granted=True).id for _ in range(3)]
    assert [entry.id for entry in outbox.pending()] == granted
    outbox.close()


def test_a_late_event_says_so_and_keeps_its_time(clock) -> None:
    log = EventLog()
    event = EventRecorder("north", log, clock).record(EventKind.CAMERA_LOST)
    late = Event.decode(mark_historical(event.encode()))
    assert (late.historical, late.id, late.at) == (True, event.id, event.at)
    with pytest.raises(MalformedMessageError):
        mark_historical(b"{}")
