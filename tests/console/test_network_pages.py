"""Sessions of computer rooms and the internet on the pages: one's own, and those that staff look after."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from accounts.tables import AuditEntry
from network_access.vocabulary import DisconnectReason
from tests.console.axe import inspect
from tests.console.page_server import PASSWORD, Pages, hire, signed_in
from tests.network_access.lab import PRICE, Clock, Lab, build

_numbers = iter(range(1_000))
OWN, STAFF = "/console/me/network", "/console/metering/network"


@pytest.fixture(scope="module")
def lab(served_pages: Pages) -> Lab:
    clock = Clock(datetime.now(UTC) + timedelta(seconds=1))
    lab = build(served_pages.database, clock, served_pages.app.state.console.money.writer)
    lab.offer(fen_per_hour=PRICE, hold_fen=100)
    return lab


@pytest.fixture
def student(served_pages: Pages, lab: Lab) -> UUID:
    number = f"N{next(_numbers):03}"
    person = hire(served_pages.database, served_pages.app.state.accounts, number, "王小明")
    served_pages.names[person] = "王小明"
    lab.clock.now = max(lab.clock.now, datetime.now(UTC) + timedelta(seconds=1))
    lab.numbers[person] = number
    lab.give(person, 1_000)
    return person


def begin(lab: Lab, student: UUID) -> str:
    login_class, _ = lab.log_in(student, PASSWORD)
    lab.tell(student, "Start", Class=login_class)
    return login_class


def read(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_ones_own_session_is_seen_ended_and_paid(served_pages: Pages, lab: Lab, student: UUID) -> None:
    login_class = begin(lab, student)
    with signed_in(served_pages, lab.numbers[student]) as me:
        shown = read(me.get(OWN).text)
        assert "Computer room · lab-3" in shown
        assert "running · held: ¥1.00" in shown
        session_id = lab.session(student).id
        for _ in range(2):
            ended = me.post(f"{OWN}/{session_id}/disconnect")
            assert "It is being ended" in read(ended.text)
        assert "being ended · its holder asked for it" in read(ended.text)
        assert lab.session(student).disconnect_reason == DisconnectReason.BY_HOLDER
        lab.forward(minutes=10)
        lab.tell(student, "Stop", Class=login_class, Acct_Session_Time=600)
        assert me.post(f"{OWN}/{session_id}/disconnect").status_code == 200, "it was over already"
        shown = read(me.get(OWN).text)
        assert "You are logged in nowhere now" in shown
        assert "10 min ¥0.60 over" in shown
        statement = read(me.get("/console/me/money").text)
        assert "Computer room or internet" in statement
        assert "Water" not in statement


def test_a_session_below_a_minute_is_told_in_seconds(served_pages: Pages, lab: Lab, student: UUID) -> None:
    login_class = begin(lab, student)
    lab.forward(seconds=59)
    lab.tell(student, "Stop", Class=login_class, Acct_Session_Time=59)
    with signed_in(served_pages, lab.numbers[student]) as me:
        assert "59 s ¥0.06 over" in read(me.get(OWN).text)
    with signed_in(served_pages, "F1") as staff:
        assert "59 s ¥0.06 over" in read(staff.get(STAFF).text)


def test_nobody_ends_anothers_session(served_pages: Pages, lab: Lab, student: UUID) -> None:
    begin(lab, student)
    with signed_in(served_pages, "S1") as other:
        assert other.post(f"{OWN}/{lab.session(student).id}/disconnect").status_code == 404
    assert lab.session(student).disconnect_reason is None


def test_staff_see_and_end_sessions(served_pages: Pages, lab: Lab, student: UUID) -> None:
    begin(lab, student)
    session_id = lab.session(student).id
    with signed_in(served_pages, "F1") as staff:
        shown = read(staff.get(STAFF).text)
        assert "王小明 Computer room lab-3" in shown
        ended = staff.post(f"{STAFF}/{session_id}/disconnect")
        assert "being ended · staff asked for it" in read(ended.text)
    with served_pages.database.read() as session:
        actions = session.execute(
            select(AuditEntry.action, AuditEntry.actor).where(AuditEntry.subject == f"network_session:{session_id}")
        ).all()
        looked = session.scalars(select(AuditEntry).where(AuditEntry.action == "network_sessions.read")).first()
    assert actions == [("network_session.disconnect", f"person:{served_pages.people['F1']}")]
    assert looked is not None


def test_both_pages_can_be_used_by_everybody(served_pages: Pages, lab: Lab, student: UUID, open_window) -> None:
    begin(lab, student)
    inspect(open_window(served_pages, lab.numbers[student], ready="main", path=OWN))
    inspect(open_window(served_pages, "F1", ready="main", path=STAFF))
