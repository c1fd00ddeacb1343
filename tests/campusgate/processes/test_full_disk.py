"""A full disk under a running server: sign-in says so, health says so, an alarm is told; and all ends by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from database import Database, StorageError
from operations.alarms import register
from operations.alarms.escalation import Route
from operations.alarms.watch import AlarmWatch, Escalation
from operations.board import Board
from operations.notices.port import Notice
from tests.app_client import AppClient
from tests.databases import CREDENTIAL_KEY
from web import problems
from web.storage_probe import StorageProbe
from web.tables import AnsweredRequest

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


class Pager:
    channel = "pager"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str | None]] = []

    def send(self, notice: Notice) -> None:
        self.sent.append((notice.kind, notice.reason))


@pytest.fixture
def small(sqlite_template: Any, tmp_path: Any) -> Iterator[Database]:
    """A database of one connection, whose disk can be filled and emptied: its number of pages is bounded."""
    path = tmp_path / "campusgate.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}", pool_size=1, credential_key=CREDENTIAL_KEY)
    yield database
    database.close()


def bound(database: Database, more: int) -> None:
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + more}")


def fill(database: Database) -> None:
    bound(database, 0)
    with pytest.raises(StorageError):
        for number in range(1000):
            with database.begin() as session:
                row = AnsweredRequest(scope="x", key=str(number), digest=bytes(32), answer="y" * 3000, at=NOW)
                session.add(row)


def test_the_probe_tells_a_full_disk_and_its_end(small: Database) -> None:
    probe = StorageProbe(small)
    assert probe.fault(NOW) is None
    fill(small)
    with small.begin() as session:
        session.query(AnsweredRequest).filter_by(scope="health").delete()
    assert probe.fault(NOW) is None, "tried once in ten seconds"
    later = NOW + timedelta(seconds=11)
    assert probe.fault(later) in {None, "full"}
    bound(small, 1000)
    assert probe.fault(later + timedelta(seconds=11)) is None


def test_a_request_that_needs_a_write_is_told_that_there_is_no_room(small: Database) -> None:
    app = FastAPI()
    problems.install(app)

    @app.post("/write")
    def write() -> None:
        fill_once(small)

    fill(small)
    with AppClient(app, raise_server_exceptions=False) as client:
        answer = client.post("/write")
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert "room" in answer.json()["detail"]


def fill_once(database: Database) -> None:
    with database.begin() as session:
        session.add(AnsweredRequest(scope="z", key="1", digest=bytes(32), answer="y" * 9000, at=NOW))


def test_an_alarm_that_cannot_be_written_down_is_told_all_the_same(small: Database) -> None:
    pager = Pager()
    faults: list[str | None] = ["full"]
    escalations = [Escalation(Route("pager", timedelta(0)), pager)]
    watch = AlarmWatch(
        small, Board(), lambda: True, escalations=escalations, now=lambda: NOW, storage=lambda _now: faults[0]
    )
    fill(small)
    for _ in range(3):
        try:
            watch.update()
        except StorageError as error:
            watch.report_storage_fault(error.fault)
    if not pager.sent:
        watch.send_due()
    assert pager.sent == [("storage_full", "full")], "once"
    bound(small, 1000)
    watch.update()
    with small.read() as session:
        assert [alarm.kind for alarm in register.open_alarms(session)] == ["storage_full"]
    faults[0] = None
    watch.update()
    with small.read() as session:
        assert register.open_alarms(session) == []
